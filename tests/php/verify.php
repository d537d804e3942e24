<?php

// Judges requests as a receiver in PHP would, on what PHP brings along. Reads one a line: the key, webhook-id,
// webhook-timestamp, webhook-signature and, in base64, the body, with tabs between them. Prints a line for each.
declare(strict_types=1);
set_error_handler(fn (int $level, string $text) => throw new ErrorException($text));

function judge(string $key, string $id, string $timestamp, string $signatures, string $body): string
{
    if (!ctype_digit($timestamp) || abs(time() - (int) $timestamp) > 300) {
        return 'not of now';
    }
    [$kind, $encoded] = explode('_', $key);
    $bytes = base64_decode($encoded, true);
    $content = "$id.$timestamp.$body";
    foreach (explode(' ', $signatures) as $element) {
        [$scheme, $signature] = explode(',', $element);
        $signature = base64_decode($signature, true);
        $good = match ("$kind $scheme") {
            'whsec v1' => hash_equals(hash_hmac('sha256', $content, $bytes, true), $signature),
            'whpk v1a' => sodium_crypto_sign_verify_detached($signature, $content, $bytes),
            default => false,
        };
        if ($good) {
            json_decode($body, true, flags: JSON_THROW_ON_ERROR); // as arrays: no property of an object begins with a NUL
            return 'good';
        }
    }
    return 'not signed by this key';
}

while (($line = fgets(STDIN)) !== false) {
    [$key, $id, $timestamp, $signatures, $body] = explode("\t", rtrim($line, "\n"));
    echo judge($key, $id, $timestamp, $signatures, base64_decode($body, true)), "\n";
}
