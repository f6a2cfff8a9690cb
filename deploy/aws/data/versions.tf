# What outlives the machine: the volume with all data of the class, its daily snapshots, and the bucket.

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
  default_tags {
    tags = { "homeroom:site" = var.domain }
  }
}
