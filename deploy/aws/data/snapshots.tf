# A snapshot of the volume each night, by AWS's own Data Lifecycle Manager.

data "aws_partition" "current" {}

data "aws_iam_policy_document" "lifecycle_manager" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["dlm.amazonaws.com"]
    }
  }
}

resource "aws_iam_role" "snapshots" {
  name_prefix        = "homeroom-snapshots-"
  assume_role_policy = data.aws_iam_policy_document.lifecycle_manager.json
}

data "aws_iam_policy_document" "snapshots" {
  statement {
    actions   = ["ec2:CreateSnapshot", "ec2:DeleteSnapshot"]
    resources = ["arn:${data.aws_partition.current.partition}:ec2:${var.region}::snapshot/*"]
  }
  statement {
    actions   = ["ec2:CreateSnapshot"]
    resources = [aws_ebs_volume.data.arn]
  }
  statement {
    # These can be granted for all resources only.
    actions   = ["ec2:DescribeVolumes", "ec2:DescribeSnapshots", "ec2:DescribeInstances"]
    resources = ["*"]
  }
  statement {
    actions   = ["ec2:CreateTags"]
    resources = ["arn:${data.aws_partition.current.partition}:ec2:${var.region}::snapshot/*"]
  }
}

resource "aws_iam_role_policy" "snapshots" {
  name   = "snapshots-of-one-volume"
  role   = aws_iam_role.snapshots.id
  policy = data.aws_iam_policy_document.snapshots.json
}

resource "aws_dlm_lifecycle_policy" "daily" {
  description        = "Homeroom daily snapshots"
  execution_role_arn = aws_iam_role.snapshots.arn
  state              = "ENABLED"

  policy_details {
    resource_types = ["VOLUME"]
    target_tags    = { "homeroom:snapshots" = var.domain }

    schedule {
      name      = "daily"
      copy_tags = true
      create_rule {
        interval      = 24
        interval_unit = "HOURS"
        times         = ["02:00"]
      }
      retain_rule {
        count = var.snapshots_kept
      }
    }
  }
}
