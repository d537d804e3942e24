import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.security.KeyFactory;
import java.security.MessageDigest;
import java.security.PublicKey;
import java.security.Signature;
import java.security.spec.X509EncodedKeySpec;
import java.util.Base64;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/**
 * Judges requests as a receiver in Java would, on what Java brings along from 15 on. Reads one a line: the key, webhook-id,
 * webhook-timestamp, webhook-signature and, in base64, the body, with tabs between them. Prints a line for each.
 */
class Verify {
    /** What stands before a public key of Ed25519 in its DER, by RFC 8410. */
    static final byte[] ED25519 = {0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00};

    static String judge(String key, String id, String timestamp, String signatures, byte[] body) throws Exception {
        long now = System.currentTimeMillis() / 1000;
        if (!timestamp.matches("[0-9]+") || Math.abs(now - Long.parseLong(timestamp)) > 300) return "not of now";
        String[] named = key.split("_");
        byte[] bytes = Base64.getDecoder().decode(named[1]);
        byte[] content = concat((id + "." + timestamp + ".").getBytes("UTF-8"), body);
        for (String element : signatures.split(" ")) {
            String[] parts = element.split(",", -1);
            byte[] signature = Base64.getDecoder().decode(parts[1]);
            if (named[0].equals("whsec") && parts[0].equals("v1") && v1(bytes, content, signature)) return "good";
            if (named[0].equals("whpk") && parts[0].equals("v1a") && v1a(bytes, content, signature)) return "good";
        }
        return "not signed by this key";
    }

    static boolean v1(byte[] key, byte[] content, byte[] signature) throws Exception {
        Mac mac = Mac.getInstance("HmacSHA256");
        mac.init(new SecretKeySpec(key, "HmacSHA256"));
        return MessageDigest.isEqual(mac.doFinal(content), signature);
    }

    static boolean v1a(byte[] key, byte[] content, byte[] signature) throws Exception {
        byte[] der = concat(ED25519, key);
        PublicKey known = KeyFactory.getInstance("Ed25519").generatePublic(new X509EncodedKeySpec(der));
        Signature verifier = Signature.getInstance("Ed25519");
        verifier.initVerify(known);
        verifier.update(content);
        return verifier.verify(signature);
    }

    static byte[] concat(byte[] one, byte[] other) {
        byte[] both = java.util.Arrays.copyOf(one, one.length + other.length);
        System.arraycopy(other, 0, both, one.length, other.length);
        return both;
    }

    public static void main(String[] arguments) throws Exception {
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, "UTF-8"));
        for (String line; (line = in.readLine()) != null; ) {
            String[] given = line.split("\t", -1);
            System.out.println(judge(given[0], given[1], given[2], given[3], Base64.getDecoder().decode(given[4])));
        }
    }
}
