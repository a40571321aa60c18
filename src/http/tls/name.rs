use std::sync::Arc;

use x509_parser::{certificate::X509Certificate, extensions::GeneralName, parse_x509_certificate};

/// Bytes of the longest name; a longer one, or one with control characters, is none.
const LONGEST: usize = 256;

/// Whom a certificate names: the first of its alternative names that is a URI, a host or a mail address; only where it has
/// none of them, the common name of its subject. Nobody where its alternative names are said twice or cannot be read: they may
/// name somebody else.
pub(in crate::http) fn name(certificate: &[u8]) -> Option<Arc<str>> {
    let (_, certificate) = parse_x509_certificate(certificate).ok()?;
    let said = certificate.subject_alternative_name().ok()?;
    let names = said.map_or(&[][..], |said| &said.value.general_names);
    let is_unreadable = |name: &GeneralName<'_>| matches!(name, GeneralName::Invalid(..));
    if names.iter().any(is_unreadable) {
        return None;
    }
    alternative_name(names)
        .or_else(|| common_name(&certificate))
        .filter(|name| (1..=LONGEST).contains(&name.len()) && !name.contains(char::is_control))
        .map(Into::into)
}

fn alternative_name<'c>(names: &[GeneralName<'c>]) -> Option<&'c str> {
    names.iter().find_map(|name| match name {
        GeneralName::URI(name) | GeneralName::DNSName(name) | GeneralName::RFC822Name(name) => {
            Some(*name)
        }
        _ => None,
    })
}

fn common_name<'c>(certificate: &'c X509Certificate<'_>) -> Option<&'c str> {
    let name = certificate.subject().iter_common_name().next()?;
    name.as_str().ok()
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, CustomExtension, DnType, DnValue, KeyPair, SanType};

    use super::*;

    fn check(names: &[SanType], common_name: &str, expected: Option<&str>) {
        let mut params = CertificateParams::default();
        params.subject_alt_names = names.to_vec();
        let common_name = DnValue::Utf8String(common_name.into());
        params
            .distinguished_name
            .push(DnType::CommonName, common_name);
        let certificate = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
        assert_eq!(name(certificate.der()).as_deref(), expected, "{names:?}");
    }

    #[test]
    fn the_first_alternative_name_counts_before_the_subject() {
        let host = SanType::DnsName("orders.example".try_into().unwrap());
        let uri = SanType::URI("spiffe://example/orders".try_into().unwrap());
        let mail = SanType::Rfc822Name("orders@example.com".try_into().unwrap());
        let address = SanType::IpAddress([10, 0, 0, 7].into());
        check(&[host.clone(), uri.clone()], "cn", Some("orders.example"));
        check(&[uri, host], "cn", Some("spiffe://example/orders"));
        check(&[address.clone(), mail], "cn", Some("orders@example.com"));
        check(&[address], "cn", Some("cn"));
        check(&[], "orders", Some("orders"));
    }

    #[test]
    fn who_is_named_twice_or_not_to_be_read_is_nobody() {
        const ALTERNATIVE_NAMES: &[u64] = &[2, 5, 29, 17];
        // One that holds no name, and one whose only name, a host, is no text.
        for names in [&[0x02, 0x01, 0x00][..], &[0x30, 0x03, 0x82, 0x01, 0xff]] {
            for times in [1, 2] {
                let mut params = CertificateParams::default();
                params.distinguished_name.push(DnType::CommonName, "cn");
                let extension =
                    CustomExtension::from_oid_content(ALTERNATIVE_NAMES, names.to_vec());
                params.custom_extensions = vec![extension; times];
                let certificate = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
                assert_eq!(name(certificate.der()), None, "{names:x?} {times}");
            }
        }
    }

    #[test]
    fn a_name_is_one_line_of_bounded_length() {
        check(&[], "a\nb", None);
        check(&[], "", None);
        check(&[], &"a".repeat(LONGEST), Some(&"a".repeat(LONGEST)));
        check(&[], &"a".repeat(LONGEST + 1), None);
        assert_eq!(name(b"no certificate"), None);
    }
}
