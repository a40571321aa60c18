//! Searching in what came over a socket.

/// Whether these bytes hold those.
pub(super) fn contains(bytes: &[u8], part: impl AsRef<[u8]>) -> bool {
    let part = part.as_ref();
    bytes.windows(part.len()).any(|window| window == part)
}

#[cfg(test)]
mod tests {
    use super::contains;

    #[test]
    fn a_part_is_found_wherever_it_is() {
        assert!(contains(b"0032PACK", "PACK") && contains(b"PACK", b"PACK"));
        assert!(!contains(b"PAC", "PACK") && !contains(b"", "PACK"));
    }
}
