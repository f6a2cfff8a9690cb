"""AWS: two Terraform modules, one for what holds data and one for the machine, and the way they are run."""
