"""The audit log: who changed what that money, roles, terms or decisions depend on, in one unbroken chain."""
