output "volume_id" {
  description = "The volume with all data."
  value       = aws_ebs_volume.data.id
}

output "availability_zone" {
  description = "Where the volume is; the machine must be there too."
  value       = aws_ebs_volume.data.availability_zone
}

output "bucket" {
  description = "The bucket's name; empty if there is none."
  value       = var.bucket ? aws_s3_bucket.kept[0].id : ""
}

output "snapshot_policy_id" {
  description = "The policy that makes the daily snapshots."
  value       = aws_dlm_lifecycle_policy.daily.id
}
