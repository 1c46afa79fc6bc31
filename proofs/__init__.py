"""Machine-checked statements about the protocol; `make prove` runs, docs/proofs.md lists them."""
