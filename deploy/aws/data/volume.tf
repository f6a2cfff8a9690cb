# The volume for instance/: database, pictures, key. Machines come and go; it stays.

data "aws_ec2_instance_type_offerings" "zones" {
  location_type = "availability-zone"
  filter {
    name   = "instance-type"
    values = [var.instance_type]
  }
}

locals {
  # Empty where no zone offers the type; the precondition below tells so.
  zones = sort(data.aws_ec2_instance_type_offerings.zones.locations)
  zone  = var.availability_zone != "" ? var.availability_zone : try(local.zones[0], "")
}

resource "aws_ebs_volume" "data" {
  availability_zone = local.zone
  size              = var.data_gb
  type              = "gp3"
  encrypted         = true
  tags = {
    Name = "homeroom ${var.domain}"
    # What the snapshots' policy looks for. It takes a volume that has any of its tags, so it is given this one alone.
    "homeroom:snapshots" = var.domain
  }

  lifecycle {
    prevent_destroy = true
    # The two notes below are further tags of the same volume.
    ignore_changes = [
      tags["homeroom:snapshot-policy"], tags_all["homeroom:snapshot-policy"],
      tags["homeroom:bucket"], tags_all["homeroom:bucket"],
    ]
    precondition {
      condition     = contains(local.zones, local.zone)
      error_message = "No zone ${var.availability_zone} in ${var.region} offers ${var.instance_type}; these do: ${join(", ", local.zones)}."
    }
  }
}

# Notes on the volume: when the state is lost, whoever finds the volume finds the rest by them.
resource "aws_ec2_tag" "snapshot_policy" {
  resource_id = aws_ebs_volume.data.id
  key         = "homeroom:snapshot-policy"
  value       = aws_dlm_lifecycle_policy.daily.id
}

resource "aws_ec2_tag" "bucket" {
  count       = var.bucket ? 1 : 0
  resource_id = aws_ebs_volume.data.id
  key         = "homeroom:bucket"
  value       = aws_s3_bucket.kept[0].id
}
