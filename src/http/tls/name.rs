use std::sync::Arc;

use x509_parser::{certificate::X509Certificate, extensions::GeneralName, parse_x509_certificate};

/// Bytes of the longest name; a longer one, or one with control characters, is none.
const LONGEST: usize = 256;

/// Whom a certificate names: the first of its alternative names that is a URI, a host or a mail address; only where it has
/// none of them, the common name of its subject.
pub(in crate::http) fn name(certificate: &[u8]) -> Option<Arc<str>> {
    let (_, certificate) = parse_x509_certificate(certificate).ok()?;
    alternative_name(&certificate)
        .or_else(|| {
            certificate
                .subject()
                .iter_common_name()
                .next()?
                .as_str()
                .ok()
        })
        .filter(|name| (1..=LONGEST).contains(&name.len()) && !name.contains(char::is_control))
        .map(Into::into)
}

fn alternative_name<'c>(certificate: &'c X509Certificate<'_>) -> Option<&'c str> {
    let names = certificate.subject_alternative_name().ok()??;
    names
        .value
        .general_names
        .iter()
        .find_map(|name| match name {
            GeneralName::URI(name) | GeneralName::DNSName(name) | GeneralName::RFC822Name(name) => {
                Some(*name)
            }
            _ => None,
        })
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, DnType, DnValue, KeyPair, SanType};

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
    fn a_name_is_one_line_of_bounded_length() {
        check(&[], "a\nb", None);
        check(&[], "", None);
        check(&[], &"a".repeat(LONGEST), Some(&"a".repeat(LONGEST)));
        check(&[], &"a".repeat(LONGEST + 1), None);
        assert_eq!(name(b"no certificate"), None);
    }
}
