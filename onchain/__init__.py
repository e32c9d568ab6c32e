"""Facts from the chain: blocks, logs, market events, and what our contracts say."""
