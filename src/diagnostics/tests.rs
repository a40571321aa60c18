use super::Code;

#[test]
fn codes_have_names_of_their_own() {
    let mut names: Vec<_> = Code::ALL.iter().map(ToString::to_string).collect();
    assert!(
        names
            .iter()
            .all(|name| name.len() == 6 && name.starts_with("CB"))
    );
    names.dedup();
    assert_eq!(names.len(), Code::ALL.len());
}
