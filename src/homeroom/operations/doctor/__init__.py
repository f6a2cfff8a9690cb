"""Looking for what is wrong with a deployment, from inside and from outside, each fault with its remedy."""
