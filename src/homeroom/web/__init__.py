"""How HTTP is spoken: what comes in, what goes out, and the answers that are kept."""
