# Laid over deploy/aws/data by `homeroom deploy aws down --delete-data`, and by nobody else: takes the protection
# off the volume and the bucket, so that they can be destroyed. Without it Terraform refuses.

resource "aws_ebs_volume" "data" {
  lifecycle {
    prevent_destroy = false
  }
}

resource "aws_s3_bucket" "kept" {
  force_destroy = true
  lifecycle {
    prevent_destroy = false
  }
}
