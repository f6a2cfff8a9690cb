# Looks what a site has on AWS by its tags, and changes nothing: for when the state does not know.

terraform {
  # OpenTofu counts its own versions from 1.6.
  required_version = ">= 1.6"
  required_providers {
    aws = {
      source = "hashicorp/aws"
      # No lock file is committed: docs/decisions/aws.md says why.
      version = ">= 5.100, < 7"
    }
  }
}

provider "aws" {
  region = var.region
}
