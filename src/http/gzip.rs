//! Answers for callers who accept gzip.

use std::io::Write as _;

use flate2::{Compression, write::GzEncoder};
use http::{HeaderMap, HeaderValue, header};

use super::{body, conditional::GZIP, fields::Fields, settings};

/// Whether answers with these headers and a body of this length are given as gzip to whoever accepts it.
pub(super) fn is_meant(
    settings: &settings::Compression,
    headers: &HeaderMap,
    length: usize,
) -> bool {
    let content_type = body::content_type(headers);
    settings.enabled
        && length >= settings.min_response_size
        && !headers.contains_key(header::CONTENT_ENCODING)
        && (content_type.starts_with("text/") || body::is_json(&content_type))
}

/// The same bytes as gzip.
pub(super) fn compressed(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(body.len() / 4), Compression::default());
    let written = encoder.write_all(body).and_then(|()| encoder.finish());
    written.expect("memory takes everything")
}

/// The entity tag of the gzip of what has this tag: other bytes, so another tag.
pub(super) fn tag(plain: &HeaderValue) -> Option<HeaderValue> {
    let inner = plain.to_str().ok()?.strip_suffix('"')?;
    HeaderValue::try_from(format!("{inner}{GZIP}\"")).ok()
}

/// Whether the caller accepts gzip, and likes nothing at all less than it.
pub(super) fn is_wanted(fields: &(impl Fields + ?Sized)) -> bool {
    let (mut gzip, mut plain, mut rest) = (None, None, None);
    for item in fields
        .texts("accept-encoding")
        .flat_map(|value| value.split(','))
    {
        let mut parts = item.split(';').map(str::trim);
        let coding = parts.next().unwrap_or_default();
        let known = match coding.to_ascii_lowercase().as_str() {
            "gzip" | "x-gzip" => &mut gzip,
            "identity" => &mut plain,
            "*" => &mut rest,
            _ => continue,
        };
        *known = Some(parts.find_map(quality).unwrap_or(1.0));
    }
    let gzip = gzip.or(rest).unwrap_or(0.0);
    gzip > 0.0 && gzip >= plain.unwrap_or(0.0)
}

/// The number of `q=0.5`; one that makes no sense is 0.
fn quality(parameter: &str) -> Option<f32> {
    let (name, value) = parameter.split_once('=')?;
    let number = value.trim().parse().unwrap_or(0.0);
    name.trim()
        .eq_ignore_ascii_case("q")
        .then_some(if (0.0..=1.0).contains(&number) {
            number
        } else {
            0.0
        })
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    #[test]
    fn callers_say_how_much_they_like_it() {
        for (accepts, expected) in [
            (&[][..], false),
            (&["gzip"], true),
            (&["GZIP"], true),
            (&["deflate, gzip;q=0.5"], true),
            (&["deflate", "gzip"], true),
            (&["gzip;q=0"], false),
            (&["gzip; q=0.0, *"], false),
            (&["*"], true),
            (&["*;q=0"], false),
            (&["identity, gzip;q=0.5"], false),
            (&["identity;q=0.5, gzip;q=0.5"], true),
            (&["gzip;q=x"], false),
            (&["gzip;q=NaN"], false),
            (&["br, zstd"], false),
            (&[""], false),
        ] {
            let headers: HeaderMap = accepts
                .iter()
                .map(|value| (header::ACCEPT_ENCODING, value.parse().unwrap()))
                .collect();
            assert_eq!(is_wanted(&headers), expected, "{accepts:?}");
        }
    }

    #[test]
    fn only_long_texts_are_worth_it() {
        let settings = settings::Compression::default();
        let off = settings::Compression {
            enabled: false,
            ..settings.clone()
        };
        let of = |content_type: &str| {
            [(header::CONTENT_TYPE, content_type.parse().unwrap())]
                .into_iter()
                .collect::<HeaderMap>()
        };
        for (settings, content_type, length, expected) in [
            (&settings, "application/json", 2048, true),
            (&settings, "text/plain;charset=UTF-8", 5000, true),
            (
                &settings,
                "application/vnd.spring-cloud.config-server.v2+json",
                2048,
                true,
            ),
            (&settings, "application/json", 2047, false),
            (&settings, "application/octet-stream", 5000, false),
            (&off, "application/json", 5000, false),
        ] {
            assert_eq!(
                is_meant(settings, &of(content_type), length),
                expected,
                "{content_type} {length}"
            );
        }
        let encoded = [(header::CONTENT_ENCODING, HeaderValue::from_static("br"))];
        let mut headers = of("text/plain");
        headers.extend(encoded);
        assert!(!is_meant(&settings, &headers, 5000));
    }

    #[test]
    fn nothing_is_lost() {
        let text = b"limit: 7\n".repeat(1000);
        let packed = compressed(&text);
        assert!(packed.len() < text.len() / 10);
        let mut back = Vec::new();
        flate2::read::GzDecoder::new(&packed[..])
            .read_to_end(&mut back)
            .unwrap();
        assert_eq!(back, text);
    }
}
