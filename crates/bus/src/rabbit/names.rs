use uuid::Uuid;

const BASE64_URL: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// A new name for an anonymous queue as Spring makes it: the exchange, a dot, the prefix, and the 16 bytes of a random
/// UUID in base64url without padding.
///
/// ```
/// let name = confbus_bus::spring_anonymous_name("springCloudBus", "anonymous.");
/// assert!(name.starts_with("springCloudBus.anonymous."));
/// assert_eq!(name.len(), "springCloudBus.anonymous.".len() + 22);
/// ```
#[must_use]
pub fn spring_anonymous_name(exchange: &str, prefix: &str) -> String {
    format!(
        "{exchange}.{prefix}{}",
        base64_url(Uuid::new_v4().as_u128())
    )
}

/// 22 digits of six bits, the last one filled up with four zeros.
fn base64_url(bits: u128) -> String {
    let digit = |index: u32| {
        if index < 21 {
            bits >> (122 - 6 * index)
        } else {
            bits << 4
        }
    };
    (0..22)
        .map(|index| char::from(BASE64_URL[(digit(index) & 63) as usize]))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_random_part_is_base64_of_the_bytes_in_order() {
        assert_eq!(base64_url(0), "A".repeat(22));
        assert_eq!(base64_url(u128::MAX), format!("{}w", "_".repeat(21)));
        assert_eq!(
            base64_url(u128::from_be_bytes(
                *b"\x0a\x62\x1e\xac\x6f\x11\x39\x23\x92\x32\x99\xf2\x11\xd7\xe4\x75"
            )),
            "CmIerG8ROSOSMpnyEdfkdQ"
        );
    }

    #[test]
    fn every_name_is_new() {
        assert_ne!(
            spring_anonymous_name("bus", "anonymous."),
            spring_anonymous_name("bus", "anonymous.")
        );
    }
}
