variable "domain" {
  description = "The name of the site, like class.example.org."
  type        = string
}

variable "region" {
  description = "AWS's region, like eu-central-1."
  type        = string
}

variable "zone_id" {
  description = "The Route 53 zone that gets the record; empty: none."
  type        = string
  default     = ""
}

data "aws_ebs_volumes" "site" {
  filter {
    name   = "tag:homeroom:snapshots"
    values = [var.domain]
  }
}

data "aws_ebs_volume" "site" {
  for_each = toset(data.aws_ebs_volumes.site.ids)
  filter {
    name   = "volume-id"
    values = [each.value]
  }
}

data "aws_ebs_snapshot_ids" "site" {
  filter {
    name   = "tag:homeroom:snapshots"
    values = [var.domain]
  }
}

data "aws_instances" "site" {
  instance_tags        = { "homeroom:site" = var.domain }
  instance_state_names = ["pending", "running", "stopping", "stopped"]
}

data "aws_eips" "site" {
  tags = { "homeroom:site" = var.domain }
}

data "aws_eip" "site" {
  for_each = toset(data.aws_eips.site.allocation_ids)
  id       = each.value
}

data "aws_route53_records" "site" {
  count   = var.zone_id == "" ? 0 : 1
  zone_id = var.zone_id
  # With Route 53's dot at the end.
  name_regex = "^${replace(var.domain, ".", "\\.")}\\.$"
}

output "volumes" {
  description = "The volumes with data of the site: where, how large, and the notes on them."
  value = {
    for id, volume in data.aws_ebs_volume.site : id => {
      availability_zone = volume.availability_zone
      size_gb           = volume.size
      snapshot_policy   = lookup(volume.tags, "homeroom:snapshot-policy", "")
      bucket            = lookup(volume.tags, "homeroom:bucket", "")
    }
  }
}

output "snapshots" {
  description = "Snapshots of them."
  value       = data.aws_ebs_snapshot_ids.site.ids
}

output "instances" {
  description = "Machines of the site that are not gone."
  value       = data.aws_instances.site.ids
}

output "addresses" {
  description = "Public addresses of the site."
  value       = { for id, address in data.aws_eip.site : id => address.public_ip }
}

output "record" {
  description = "Where the site's name leads to now."
  value = flatten([
    # Where there is no record, Route 53's list is null.
    for found in flatten(data.aws_route53_records.site[*].resource_record_sets) :
    concat(try(found.resource_records[*].value, []), try([found.alias_target.dns_name], []))
    if try(found.type, "") == "A"
  ])
}
