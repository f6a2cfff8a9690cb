# The bucket for backups and, if wished, pictures. Private, encrypted, over TLS only; what is overwritten or
# deleted stays for a month.

data "aws_caller_identity" "current" {}

locals {
  # A bucket's name holds 63 characters, a domain may be longer. Two domains that begin alike, or differ in dots
  # alone, shall not share a name; nor shall two accounts, for buckets' names are shared with the whole world.
  slug        = trimsuffix(substr(replace(var.domain, ".", "-"), 0, 30), "-")
  bucket_name = "homeroom-${local.slug}-${substr(sha256(var.domain), 0, 6)}-${data.aws_caller_identity.current.account_id}"
}

resource "aws_s3_bucket" "kept" {
  count  = var.bucket ? 1 : 0
  bucket = local.bucket_name

  lifecycle {
    prevent_destroy = true
  }
}

resource "aws_s3_bucket_public_access_block" "kept" {
  count                   = var.bucket ? 1 : 0
  bucket                  = aws_s3_bucket.kept[0].id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_ownership_controls" "kept" {
  count  = var.bucket ? 1 : 0
  bucket = aws_s3_bucket.kept[0].id
  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_versioning" "kept" {
  count  = var.bucket ? 1 : 0
  bucket = aws_s3_bucket.kept[0].id
  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "kept" {
  count  = var.bucket ? 1 : 0
  bucket = aws_s3_bucket.kept[0].id
  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm = "AES256"
    }
  }
}

resource "aws_s3_bucket_lifecycle_configuration" "kept" {
  count  = var.bucket ? 1 : 0
  bucket = aws_s3_bucket.kept[0].id
  rule {
    id     = "what-was-deleted-goes-after-a-month"
    status = "Enabled"
    filter {}
    noncurrent_version_expiration {
      noncurrent_days = 30
    }
    abort_incomplete_multipart_upload {
      days_after_initiation = 7
    }
  }
  # Versions are expired only where there are any.
  depends_on = [aws_s3_bucket_versioning.kept]
}

data "aws_iam_policy_document" "tls_only" {
  count = var.bucket ? 1 : 0
  statement {
    sid       = "TlsOnly"
    effect    = "Deny"
    actions   = ["s3:*"]
    resources = [aws_s3_bucket.kept[0].arn, "${aws_s3_bucket.kept[0].arn}/*"]
    principals {
      type        = "*"
      identifiers = ["*"]
    }
    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["false"]
    }
  }
}

resource "aws_s3_bucket_policy" "kept" {
  count  = var.bucket ? 1 : 0
  bucket = aws_s3_bucket.kept[0].id
  policy = data.aws_iam_policy_document.tls_only[0].json
  # Two changes of one bucket's access at once are refused by S3.
  depends_on = [aws_s3_bucket_public_access_block.kept]
}
