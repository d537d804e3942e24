# Judges requests as a receiver in Ruby would, on what Ruby brings along. Reads one a line: the key, webhook-id,
# webhook-timestamp, webhook-signature and, in base64, the body, with tabs between them. Prints a line for each.
require "json"
require "openssl"

ED25519 = ["302a300506032b6570032100"].pack("H*") # what stands before a public key in its DER, by RFC 8410

def judge(key, id, timestamp, signatures, body)
  return "not of now" unless timestamp.match?(/\A\d+\z/) && (Time.now.to_i - timestamp.to_i).abs <= 300

  kind, encoded = key.split("_")
  bytes = encoded.unpack1("m0")
  content = "#{id}.#{timestamp}.".b + body
  good = signatures.split(" ").any? do |element|
    scheme, signature = element.split(",", 2)
    case [kind, scheme]
    when %w[whsec v1]
      OpenSSL.secure_compare(OpenSSL::HMAC.digest("SHA256", bytes, content), signature.unpack1("m0"))
    when %w[whpk v1a]
      OpenSSL::PKey.read(ED25519 + bytes).verify(nil, signature.unpack1("m0"), content)
    end
  end
  return "not signed by this key" unless good

  JSON.parse(body)
  "good"
end

STDIN.each_line(chomp: true) do |line|
  *heads, body = line.split("\t", -1)
  puts judge(*heads, body.unpack1("m0"))
end
