# The machine itself: Ubuntu's current image, which cloud-init turns into a site; and the volume in it.

data "aws_ssm_parameter" "ubuntu" {
  # Canonical's own name for its newest image.
  name = "/aws/service/canonical/ubuntu/server/${var.ubuntu_release}/stable/current/${var.architecture}/hvm/ebs-gp3/ami-id"
}

data "aws_ec2_instance_type" "machine" {
  instance_type = var.instance_type
}

locals {
  user_data = templatefile("${path.module}/cloud-init.yaml", {
    domain     = var.domain
    email      = var.email
    origins    = var.origins
    repository = var.repository
    revision   = var.revision
    # Nitro machines name a volume by its id; /dev/sdf, which EC2 wants to hear, does not exist there.
    data_device = "/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_${replace(var.volume_id, "-", "")}"
    backup_url  = var.bucket == "" ? "" : "s3://${var.bucket}/backups"
    uploads_url = var.bucket == "" || !var.pictures_in_bucket ? "" : "s3://${var.bucket}/uploads"
    region      = var.region
    time_zone   = var.time_zone
    acme_server = var.acme_server
  })
  # EC2's word for what Ubuntu calls amd64.
  ec2_architecture = { arm64 = "arm64", amd64 = "x86_64" }[var.architecture]
}

# Another architecture is another machine: an image of the one does not start on the other.
resource "terraform_data" "architecture" {
  input = var.architecture
}

resource "aws_instance" "machine" {
  ami                    = nonsensitive(data.aws_ssm_parameter.ubuntu.value)
  instance_type          = var.instance_type
  subnet_id              = local.subnet.id
  vpc_security_group_ids = [aws_security_group.machine.id]
  iam_instance_profile   = aws_iam_instance_profile.machine.name
  key_name               = one(aws_key_pair.operator[*].key_name)
  user_data              = local.user_data
  tags                   = { Name = "homeroom ${var.domain}" }

  metadata_options {
    http_endpoint = "enabled"
    http_tokens   = "required"
    # No container and no forwarded request reaches the role's keys.
    http_put_response_hop_limit = 1
  }

  root_block_device {
    volume_type = "gp3"
    volume_size = var.root_gb
    encrypted   = true
  }

  lifecycle {
    # A newer image or another text for a first start is no reason to replace a machine that serves;
    # `up --new-machine` is.
    ignore_changes       = [ami, user_data, key_name]
    replace_triggered_by = [terraform_data.architecture]
    precondition {
      condition     = contains(data.aws_ec2_instance_type.machine.supported_architectures, local.ec2_architecture)
      error_message = "${var.instance_type} is ${join(" or ", data.aws_ec2_instance_type.machine.supported_architectures)}, not ${var.architecture}: choose the other architecture, or another type."
    }
    precondition {
      condition     = local.subnet.availability_zone == var.availability_zone
      error_message = "The subnet is in ${local.subnet.availability_zone}, the volume in ${var.availability_zone}: a machine reaches volumes of its own zone only."
    }
  }
}

resource "aws_volume_attachment" "data" {
  device_name = "/dev/sdf"
  volume_id   = var.volume_id
  instance_id = aws_instance.machine.id
  # What is in memory is written before the volume goes.
  stop_instance_before_detaching = true
}
