# What the machine may do on AWS: be reached by Systems Manager, and use its two folders of the bucket. It can
# overwrite and delete objects there, but no version of them: whoever takes the machine over cannot wipe the backups.

data "aws_partition" "current" {}

data "aws_iam_policy_document" "machine" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["ec2.amazonaws.com"]
    }
  }
}

resource "aws_iam_role" "machine" {
  name_prefix        = "homeroom-machine-"
  assume_role_policy = data.aws_iam_policy_document.machine.json
}

resource "aws_iam_instance_profile" "machine" {
  name_prefix = "homeroom-machine-"
  role        = aws_iam_role.machine.name
}

resource "aws_iam_role_policy_attachment" "session" {
  role       = aws_iam_role.machine.name
  policy_arn = "arn:${data.aws_partition.current.partition}:iam::aws:policy/AmazonSSMManagedInstanceCore"
}

locals {
  folders    = var.pictures_in_bucket ? ["backups", "uploads"] : ["backups"]
  bucket_arn = "arn:${data.aws_partition.current.partition}:s3:::${var.bucket}"
}

data "aws_iam_policy_document" "bucket" {
  statement {
    actions   = ["s3:ListBucket"]
    resources = [local.bucket_arn]
    condition {
      test     = "StringLike"
      variable = "s3:prefix"
      values   = flatten([for folder in local.folders : [folder, "${folder}/*"]])
    }
  }
  statement {
    actions   = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"]
    resources = [for folder in local.folders : "${local.bucket_arn}/${folder}/*"]
  }
}

resource "aws_iam_role_policy" "bucket" {
  count  = var.bucket == "" ? 0 : 1
  name   = "its-folders-of-the-bucket"
  role   = aws_iam_role.machine.id
  policy = data.aws_iam_policy_document.bucket.json
}

resource "aws_key_pair" "operator" {
  count           = var.public_key == "" ? 0 : 1
  key_name_prefix = "homeroom-"
  public_key      = var.public_key
}
