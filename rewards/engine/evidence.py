"""Evidence bundles: one place to import reading, writing and verifying from.

Source: docs/spec/evidence.md.
"""

from __future__ import annotations

from rewards.engine.bundle import (
    ManifestFields,
    read_events,
    read_inputs,
    read_static,
    read_terms,
    write_actions,
    write_events,
    write_inputs,
    write_manifest,
    write_outputs,
)
from rewards.engine.events import EventColumns
from rewards.engine.inputs import Inputs
from rewards.engine.verify import Difference, Report, verify_bundle

__all__ = [
    "Difference",
    "EventColumns",
    "Inputs",
    "ManifestFields",
    "Report",
    "read_events",
    "read_inputs",
    "read_static",
    "read_terms",
    "verify_bundle",
    "write_actions",
    "write_events",
    "write_inputs",
    "write_manifest",
    "write_outputs",
]
