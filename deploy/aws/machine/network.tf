# Where the machine stands, and who reaches it: everybody on 80 and 443, the named addresses on 22.

data "aws_subnet" "default" {
  count             = var.subnet_id == "" ? 1 : 0
  availability_zone = var.availability_zone
  default_for_az    = true
}

data "aws_subnet" "named" {
  count = var.subnet_id == "" ? 0 : 1
  id    = var.subnet_id
}

locals {
  subnet = one(concat(data.aws_subnet.default, data.aws_subnet.named))
  open = merge(
    { for port in [80, 443] : "${port} from everywhere" => { port = port, cidr = "0.0.0.0/0" } },
    { for port in [80, 443] : "${port} from everywhere by IPv6" => { port = port, cidr = "::/0" } },
    { for cidr in var.ssh_from : "22 from ${cidr}" => { port = 22, cidr = cidr } },
  )
}

resource "aws_security_group" "machine" {
  name_prefix = "homeroom-"
  description = "Homeroom ${var.domain}"
  vpc_id      = local.subnet.vpc_id
  tags        = { Name = "homeroom ${var.domain}" }

  lifecycle {
    # A machine cannot be without one for a moment.
    create_before_destroy = true
  }
}

resource "aws_vpc_security_group_ingress_rule" "machine" {
  for_each          = local.open
  security_group_id = aws_security_group.machine.id
  description       = each.key
  ip_protocol       = "tcp"
  from_port         = each.value.port
  to_port           = each.value.port
  cidr_ipv4         = strcontains(each.value.cidr, ":") ? null : each.value.cidr
  cidr_ipv6         = strcontains(each.value.cidr, ":") ? each.value.cidr : null
}

# Packages, the repository, the certificates' authority, S3, Systems Manager.
resource "aws_vpc_security_group_egress_rule" "machine" {
  for_each          = { IPv4 = "0.0.0.0/0", IPv6 = "::/0" }
  security_group_id = aws_security_group.machine.id
  description       = "To everywhere by ${each.key}"
  ip_protocol       = "-1"
  cidr_ipv4         = each.key == "IPv4" ? each.value : null
  cidr_ipv6         = each.key == "IPv6" ? each.value : null
}

resource "aws_eip" "machine" {
  domain = "vpc"
  tags   = { Name = "homeroom ${var.domain}" }
}

resource "aws_eip_association" "machine" {
  instance_id   = aws_instance.machine.id
  allocation_id = aws_eip.machine.id
  # Whatever machine it led to before, such as one that was ended by hand.
  allow_reassociation = true
}

resource "aws_route53_record" "site" {
  count   = var.zone_id == "" ? 0 : 1
  zone_id = var.zone_id
  name    = var.domain
  type    = "A"
  ttl     = 300
  records = [aws_eip.machine.public_ip]
}
