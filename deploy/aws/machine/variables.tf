variable "domain" {
  description = "The name of the site, like class.example.org."
  type        = string
  validation {
    condition     = length(var.domain) <= 253 && can(regex("^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\\.)+[a-z][a-z0-9-]*[a-z0-9]$", var.domain))
    error_message = "The domain is a name in lower case like class.example.org, without https:// and without a path."
  }
}

variable "email" {
  description = "Whom the certificates' authority writes to."
  type        = string
  validation {
    condition     = can(regex("^[A-Za-z0-9._%+-]+@([A-Za-z0-9-]+\\.)+[A-Za-z]{2,}$", var.email))
    error_message = "The e-mail address is one like teacher@example.org; the certificates' authority writes to it."
  }
}

variable "origins" {
  description = "Origins whose pages may talk to the API, like https://someone.github.io."
  type        = list(string)
  default     = []
  validation {
    condition     = alltrue([for origin in var.origins : can(regex("^https?://[a-z0-9.-]+(:[0-9]+)?$", origin))])
    error_message = "An origin is a scheme and a host, like https://someone.github.io, without a path."
  }
}

variable "repository" {
  description = "Where the machine gets Homeroom from: the class's fork."
  type        = string
  validation {
    condition     = can(regex("^https://[A-Za-z0-9.-]+(:[0-9]+)?/[A-Za-z0-9._/-]+$", var.repository))
    error_message = "The repository is an https address that can be cloned without a password, like https://github.com/your-class/homeroom.git."
  }
}

variable "revision" {
  description = "The branch, tag or commit of the repository."
  type        = string
  default     = "main"
  validation {
    condition     = can(regex("^[A-Za-z0-9_][A-Za-z0-9._/-]*$", var.revision))
    error_message = "The revision is a branch, a tag or a commit."
  }
}

variable "region" {
  description = "AWS's region, like eu-central-1."
  type        = string
  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]+$", var.region))
    error_message = "The region is one of AWS's, like eu-central-1."
  }
}

variable "volume_id" {
  description = "The volume of deploy/aws/data."
  type        = string
  validation {
    condition     = can(regex("^vol-[0-9a-f]+$", var.volume_id))
    error_message = "The volume's id is like vol-0123456789abcdef0; deploy/aws/data prints it."
  }
}

variable "availability_zone" {
  description = "The zone of that volume."
  type        = string
}

variable "bucket" {
  description = "The bucket of deploy/aws/data; empty: none."
  type        = string
  default     = ""
}

variable "pictures_in_bucket" {
  description = "Whether pictures are kept in the bucket, not on the volume."
  type        = bool
  default     = false
}

variable "instance_type" {
  description = "The machine's kind."
  type        = string
  default     = "t4g.small"
  validation {
    condition     = can(regex("^[a-z][a-z0-9-]*\\.[a-z0-9-]+$", var.instance_type))
    error_message = "The instance type is one of AWS's, like t4g.small."
  }
}

variable "architecture" {
  description = "arm64 or amd64, as the instance type has it."
  type        = string
  default     = "arm64"
  validation {
    condition     = contains(["arm64", "amd64"], var.architecture)
    error_message = "The architecture is arm64 or amd64."
  }
}

variable "ubuntu_release" {
  description = "Ubuntu's release with long support."
  type        = string
  default     = "26.04"
  validation {
    condition     = can(regex("^[0-9]{2}\\.04$", var.ubuntu_release))
    error_message = "Ubuntu's releases with long support are like 26.04."
  }
}

variable "root_gb" {
  description = "Size of the machine's own disk, for the system."
  type        = number
  default     = 16
  validation {
    condition     = var.root_gb >= 8 && var.root_gb <= 1024 && floor(var.root_gb) == var.root_gb
    error_message = "The machine's own disk is a whole number of GB, from 8 to 1024."
  }
}

variable "public_key" {
  description = "A public SSH key; empty: none, a shell is had by a session of Systems Manager."
  type        = string
  default     = ""
  validation {
    condition     = var.public_key == "" || can(regex("^(ssh-ed25519|ssh-rsa) [A-Za-z0-9+/=]+( [^\n]*)?$", var.public_key))
    error_message = "The public key is one line that begins with ssh-ed25519 or ssh-rsa, as in id_ed25519.pub. Never give a private key away."
  }
}

variable "ssh_from" {
  description = "Addresses from which SSH is reached, like 203.0.113.7/32; none: port 22 is closed."
  type        = list(string)
  default     = []
  validation {
    condition     = alltrue([for cidr in var.ssh_from : can(cidrhost(cidr, 0))])
    error_message = "SSH is opened for an address with its prefix, like 203.0.113.7/32."
  }
  validation {
    # Shorter prefixes are whole providers, or everybody.
    condition = alltrue([
      for cidr in var.ssh_from : try(tonumber(split("/", cidr)[1]) >= (strcontains(cidr, ":") ? 48 : 16), true)
    ])
    error_message = "SSH is not opened for the world: name your own address, like 203.0.113.7/32 (at least /16, /48 for IPv6), or none and use a session of Systems Manager."
  }
}

variable "zone_id" {
  description = "The Route 53 zone that gets the record; empty: the record is set elsewhere, by hand."
  type        = string
  default     = ""
  validation {
    condition     = var.zone_id == "" || can(regex("^[A-Z0-9]{8,32}$", var.zone_id))
    error_message = "The id of a Route 53 zone is like Z0123456789ABCDEFGHIJ; `aws route53 list-hosted-zones` lists yours."
  }
}

variable "subnet_id" {
  description = "A subnet that reaches the internet, in the volume's zone; empty: the default one."
  type        = string
  default     = ""
  validation {
    condition     = var.subnet_id == "" || can(regex("^subnet-[0-9a-f]+$", var.subnet_id))
    error_message = "A subnet's id is like subnet-0123456789abcdef0."
  }
}

variable "time_zone" {
  description = "The class's time zone, like Europe/Berlin."
  type        = string
  default     = "UTC"
  validation {
    condition     = can(regex("^[A-Za-z][A-Za-z0-9_+/-]*$", var.time_zone))
    error_message = "The time zone is one like Europe/Berlin."
  }
}

variable "acme_server" {
  description = "The certificates' authority; empty: Let's Encrypt."
  type        = string
  default     = ""
  validation {
    condition     = var.acme_server == "" || can(regex("^https://[A-Za-z0-9.:/_-]+$", var.acme_server))
    error_message = "The certificates' authority is named by the https address of its ACME directory."
  }
}
