//! The order in which Java's hash maps hand out text keys.
//!
//! Two kinds of sources come from such maps, and their order is visible in the answers.

/// Sorts as a `HashMap` with so many buckets (a power of two) iterates.
pub(crate) fn sort_as_hash_map<T>(entries: &mut [T], buckets: u32, key: impl Fn(&T) -> &str) {
    entries.sort_by_key(|entry| bucket(key(entry), buckets));
}

/// The size of the table of a `HashMap` that is copied from a map of so many entries.
pub(crate) fn buckets_of_copy(entries: usize) -> u32 {
    let room = entries + entries / 3 + 1;
    u32::try_from(room).unwrap_or(1 << 30).next_power_of_two()
}

/// Sorts as a `Properties` iterates into which the entries were put one after the other.
///
/// Its `ConcurrentHashMap` turns the order within a bucket around when it grows, but not all of it.
pub(crate) fn sort_as_properties<T>(entries: &mut Vec<T>, key: impl Fn(&T) -> &str) {
    let mut table: Vec<Vec<(u32, T)>> = empty_buckets(16);
    for (count, entry) in entries.drain(..).enumerate() {
        let hash = spread(key(&entry));
        let size = table.len();
        table[hash as usize & (size - 1)].push((hash, entry));
        if (count + 1) * 4 >= size * 3 {
            table = grown(table);
        }
    }
    entries.extend(table.into_iter().flatten().map(|(_, entry)| entry));
}

fn empty_buckets<T>(buckets: usize) -> Vec<Vec<T>> {
    std::iter::repeat_with(Vec::new).take(buckets).collect()
}

/// Twice as many buckets: of each, the last entries that stay together keep their order, the others come before them,
/// last first.
fn grown<T>(table: Vec<Vec<(u32, T)>>) -> Vec<Vec<(u32, T)>> {
    let size = table.len();
    let mut grown = empty_buckets(size * 2);
    for (index, mut bucket) in table.into_iter().enumerate() {
        let goes_up = |hash: u32| hash as usize & size != 0;
        let Some(last) = bucket.last().map(|(hash, _)| goes_up(*hash)) else {
            continue;
        };
        let turned = bucket
            .iter()
            .rposition(|(hash, _)| goes_up(*hash) != last)
            .map_or(0, |before| before + 1);
        let together = bucket.split_off(turned);
        let (mut low, mut high) = (Vec::new(), Vec::new());
        for entry in bucket.into_iter().rev() {
            if goes_up(entry.0) {
                &mut high
            } else {
                &mut low
            }
            .push(entry);
        }
        if last { &mut high } else { &mut low }.extend(together);
        grown[index] = low;
        grown[index + size] = high;
    }
    grown
}

fn bucket(key: &str, buckets: u32) -> u32 {
    spread(key) & (buckets - 1)
}

fn spread(key: &str) -> u32 {
    let hash = key.encode_utf16().fold(0_u32, |hash, unit| {
        hash.wrapping_mul(31).wrapping_add(u32::from(unit))
    });
    hash ^ (hash >> 16)
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
    }
}
