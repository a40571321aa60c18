//! The order in which Java's hash maps hand out text keys.
//!
//! Two kinds of sources come from such maps, and their order is visible in the answers.

/// Sorts as a `HashMap` or `ConcurrentHashMap` with so many buckets (a power of two) iterates.
pub(crate) fn sort_as_hash_map<T>(entries: &mut [T], buckets: u32, key: impl Fn(&T) -> &str) {
    entries.sort_by_key(|entry| bucket(key(entry), buckets));
}

/// The size of the table of a `HashMap` that is copied from a map of so many entries.
pub(crate) fn buckets_of_copy(entries: usize) -> u32 {
    let room = entries + entries / 3 + 1;
    u32::try_from(room).unwrap_or(1 << 30).next_power_of_two()
}

/// The size of the table of a `Properties` into which so many entries were put.
pub(crate) fn buckets_of_properties(entries: usize) -> u32 {
    let mut buckets = 16_u32;
    while buckets < 1 << 30 && entries >= (buckets as usize) / 4 * 3 {
        buckets *= 2;
    }
    buckets
}

fn bucket(key: &str, buckets: u32) -> u32 {
    let hash = key.encode_utf16().fold(0_u32, |hash, unit| {
        hash.wrapping_mul(31).wrapping_add(u32::from(unit))
    });
    (hash ^ (hash >> 16)) & (buckets - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_come_out_as_java_hands_them_out() {
        let mut keys = [
            "list.0",
            "list.1",
            "nested.deep.key",
            "number",
            "flag",
            "empty",
            "escaped",
            "dotted.key/slash",
            "good",
        ];
        let buckets = buckets_of_copy(keys.len());
        sort_as_hash_map(&mut keys, buckets, |key| key);
        assert_eq!(
            keys,
            [
                "escaped",
                "number",
                "dotted.key/slash",
                "flag",
                "list.1",
                "list.0",
                "nested.deep.key",
                "good",
                "empty"
            ]
        );
    }

    #[test]
    fn tables_grow_by_powers_of_two() {
        assert_eq!([0, 3, 9, 12].map(buckets_of_copy), [1, 8, 16, 32]);
        assert_eq!([0, 11, 12, 24].map(buckets_of_properties), [16, 16, 32, 64]);
    }
}
