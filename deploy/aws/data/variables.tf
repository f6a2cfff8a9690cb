variable "domain" {
  description = "The name of the site, like class.example.org."
  type        = string
  validation {
    condition     = length(var.domain) <= 253 && can(regex("^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\\.)+[a-z][a-z0-9-]*[a-z0-9]$", var.domain))
    error_message = "The domain is a name in lower case like class.example.org, without https:// and without a path."
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

variable "availability_zone" {
  description = "The zone of the volume and so of the machine; empty: the first that offers the instance type."
  type        = string
  default     = ""
  validation {
    condition     = var.availability_zone == "" || can(regex("^[a-z]{2}(-[a-z0-9]+)+[a-z]$", var.availability_zone))
    error_message = "The zone is one of the region's, like eu-central-1a."
  }
}

variable "instance_type" {
  description = "What the machine will be: not every zone offers every type."
  type        = string
  default     = "t4g.small"
  validation {
    condition     = can(regex("^[a-z][a-z0-9-]*\\.[a-z0-9-]+$", var.instance_type))
    error_message = "The instance type is one of AWS's, like t4g.small."
  }
}

variable "data_gb" {
  description = "Size of the volume. It can grow later, not shrink."
  type        = number
  default     = 20
  validation {
    condition     = var.data_gb >= 1 && var.data_gb <= 16384 && floor(var.data_gb) == var.data_gb
    error_message = "The volume's size is a whole number of GB, from 1 to 16384."
  }
}

variable "snapshots_kept" {
  description = "How many daily snapshots are kept."
  type        = number
  default     = 14
  validation {
    condition     = var.snapshots_kept >= 1 && var.snapshots_kept <= 1000 && floor(var.snapshots_kept) == var.snapshots_kept
    error_message = "Between 1 and 1000 daily snapshots can be kept."
  }
}

variable "bucket" {
  description = "Whether a bucket is made, for backups and pictures."
  type        = bool
  default     = true
}
