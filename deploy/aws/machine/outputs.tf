output "address" {
  description = "The machine's public address."
  value       = aws_eip.machine.public_ip
}

output "instance_id" {
  description = "The machine."
  value       = aws_instance.machine.id
}
