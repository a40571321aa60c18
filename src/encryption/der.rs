//! As much of DER as keys need: one element after the other.

pub(super) const INTEGER: u8 = 0x02;
pub(super) const OCTET_STRING: u8 = 0x04;
pub(super) const SEQUENCE: u8 = 0x30;

/// The content of the first element, which must have this tag, and what follows it.
pub(super) fn element(bytes: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (&found, rest) = bytes.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = if first < 0x80 {
        (usize::from(first), rest)
    } else {
        // Three bytes of length are 16 MiB, more than any key has.
        let count = usize::from(first & 0x7f);
        if !(1..=3).contains(&count) {
            return None;
        }
        let (digits, rest) = rest.split_at_checked(count)?;
        let length = digits
            .iter()
            .fold(0, |length, digit| length << 8 | usize::from(*digit));
        (length, rest)
    };
    (found == tag).then(|| rest.split_at_checked(length))?
}

/// The content of an only element with this tag.
pub(super) fn only(bytes: &[u8], tag: u8) -> Option<&[u8]> {
    element(bytes, tag)
        .filter(|(_, rest)| rest.is_empty())
        .map(|(content, _)| content)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_have_short_and_long_lengths() {
        assert_eq!(element(&[2, 1, 7, 9], INTEGER), Some((&[7][..], &[9][..])));
        let long: Vec<u8> = [4, 0x82, 1, 0].into_iter().chain([5; 256]).collect();
        assert_eq!(only(&long, OCTET_STRING), Some(&[5; 256][..]));
        for broken in [
            &[][..],
            &[2],
            &[2, 2, 7],
            &[2, 0x80],
            &[2, 0x81],
            &[2, 0x84, 0, 0, 0, 1, 7],
            &[4, 1, 7],
        ] {
            assert_eq!(element(broken, INTEGER), None, "{broken:?}");
        }
        assert_eq!(only(&[2, 1, 7, 9], INTEGER), None);
    }
}
