"""Who agreed to what: keywords, plain words, ledger, evidence, policy and the gate before every send."""
