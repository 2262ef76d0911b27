"""From a history to findings, receipts and a verdict."""
