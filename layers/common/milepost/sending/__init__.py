"""From a decided send to its outcome: gate, limits, slots, claim, ledger, delivery feedback."""
