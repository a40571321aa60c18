use std::sync::Arc;

use confbus_protocol::{Position, Properties, Property};

use crate::{Cause, Origin, Problem};

mod header;
mod java_map;
mod properties;
mod relaxed;
mod xml;
mod yaml;

pub(crate) use header::Header;
pub(crate) use java_map::{buckets_of_copy, sort_as_hash_map};
pub use yaml::nested_key;

/// The largest file that is read as configuration; people write kilobytes.
const SIZE_LIMIT: u64 = 3 << 20;

/// How many documents one file may hold.
const DOCUMENT_LIMIT: usize = 1_000;

/// How many keys one file may hold; each becomes a node of what is answered.
const KEY_LIMIT: usize = 100_000;

/// How much text the flattened keys of one file may take: a long key above a long list multiplies.
const KEY_TEXT_LIMIT: usize = 16 << 20;

/// What a file holds that Git LFS has taken out of the repository.
const LARGE_FILE_POINTER: &[u8] = b"version https://git-lfs.github.com/spec/v1\n";

/// What a property takes besides itself and its texts: its place in the table, two allocations, the signs of JSON.
const PROPERTY_BYTES: usize = 80;

/// What a header takes that says something, with the texts it holds.
const HEADER_BYTES: usize = 1 << 10;

/// How a configuration file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Syntax {
    Properties,
    Xml,
    Yaml,
}

/// One document of a file.
#[derive(Debug)]
pub(crate) struct Document {
    pub(crate) properties: Arc<Properties>,
    /// Only where it says something.
    header: Option<Box<Header>>,
}

impl Document {
    fn new(mut properties: Properties) -> Self {
        properties.shrink_to_fit();
        let header = Header::of(&properties);
        Self {
            header: (header != Header::NOTHING).then(|| Box::new(header)),
            properties: Arc::new(properties),
        }
    }

    pub(crate) fn header(&self) -> &Header {
        static NOTHING: Header = Header::NOTHING;
        self.header.as_deref().unwrap_or(&NOTHING)
    }

    /// About how much memory it takes.
    pub(crate) fn bytes(&self) -> usize {
        let of_header = self.header.as_ref().map_or(0, |_| HEADER_BYTES);
        let property = |(key, property): (&String, &Property)| {
            let text = property.value.as_text().map_or(0, str::len);
            // Both texts stand in the JSON, too.
            size_of::<(String, Property)>() + PROPERTY_BYTES + 2 * (key.len() + text)
        };
        let properties = self.properties.iter().map(property);
        size_of::<Self>() + of_header + properties.sum::<usize>()
    }
}

/// What is wrong in a file, which is named by whoever asked for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Flaw {
    pub(crate) position: Option<Position>,
    pub(crate) problem: String,
    pub(crate) hint: Option<String>,
    pub(crate) cause: Cause,
}

/// The extensions of configuration files, the weakest first.
pub(crate) const EXTENSIONS: [(&str, Syntax); 4] = [
    ("yaml", Syntax::Yaml),
    ("yml", Syntax::Yaml),
    ("xml", Syntax::Xml),
    ("properties", Syntax::Properties),
];

/// Whether a file of this name may hold properties.
#[must_use]
pub fn is_configuration(path: &str) -> bool {
    Syntax::of(path).is_some()
}

impl Syntax {
    /// The syntax that a file's extension stands for; `None` when it is no configuration file.
    pub(crate) fn of(path: &str) -> Option<Self> {
        let (_, extension) = path.rsplit_once('.')?;
        EXTENSIONS
            .iter()
            .find(|(known, _)| *known == extension)
            .map(|(_, syntax)| *syntax)
    }
}

impl Flaw {
    pub(crate) fn new(
        cause: Cause,
        position: Option<Position>,
        problem: impl Into<String>,
    ) -> Self {
        Self {
            cause,
            position,
            problem: problem.into(),
            hint: None,
        }
    }

    pub(crate) fn with_hint(self, hint: impl Into<String>) -> Self {
        Self {
            hint: Some(hint.into()),
            ..self
        }
    }

    pub(crate) fn in_file(&self, path: &str) -> Problem {
        let origin = Origin {
            path: path.to_owned(),
            position: self.position,
        };
        Problem {
            origin,
            problem: self.problem.clone(),
            hint: self.hint.clone(),
            cause: self.cause.clone(),
        }
    }
}

/// A file that is too large to be configuration.
pub(crate) fn too_large(size: u64) -> Flaw {
    Flaw::new(
        Cause::Limit,
        None,
        format!("{size} bytes are too many for a configuration file"),
    )
    .with_hint(format!("split it; up to {SIZE_LIMIT} bytes are read"))
}

/// The documents of a file, those without any content left out.
pub(crate) fn parse(syntax: Syntax, bytes: &[u8]) -> Result<Vec<Document>, Flaw> {
    let size = bytes.len() as u64;
    if size > SIZE_LIMIT {
        return Err(too_large(size));
    }
    if bytes.starts_with(LARGE_FILE_POINTER) {
        return Err(Flaw::new(
            Cause::Pointer,
            None,
            "this is a pointer of Git LFS; the file itself lies elsewhere",
        )
        .with_hint("keep configuration out of LFS, in .gitattributes"));
    }
    let documents = match syntax {
        Syntax::Properties => properties::parse(bytes),
        Syntax::Xml => xml::parse(bytes).map(|properties| vec![properties]),
        Syntax::Yaml => yaml::parse(bytes),
    }?;
    if documents.len() > DOCUMENT_LIMIT {
        return Err(Flaw::new(
            Cause::Limit,
            None,
            format!("the file holds more than {DOCUMENT_LIMIT} documents"),
        ));
    }
    Ok(documents.into_iter().map(Document::new).collect())
}

/// Reads the documents of one file, YAML, `.properties` or `.xml` by its name, each flattened with positions.
///
/// Documents without any content are left out.
///
/// # Errors
/// [`Problem`] when the name is not one of a configuration file, or the file is too large or not well-formed.
pub fn parse_documents(path: &str, bytes: &[u8]) -> Result<Vec<Arc<Properties>>, Problem> {
    let unknown = || {
        Flaw::new(
            Cause::Name,
            None,
            "the name of a configuration file ends in .yml, .yaml, .properties or .xml",
        )
    };
    let documents = Syntax::of(path)
        .ok_or_else(unknown)
        .and_then(|syntax| parse(syntax, bytes));
    let documents = documents.map_err(|flaw| flaw.in_file(path))?;
    Ok(documents
        .into_iter()
        .map(|document| document.properties)
        .collect())
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;
    use crate::testing::show;

    fn check(path: &str, content: &[u8], expected: Expect) {
        expected.assert_eq(&match parse_documents(path, content) {
            Ok(documents) => documents
                .iter()
                .map(|properties| format!("document\n{}", show(properties)))
                .collect::<String>(),
            Err(problem) => format!("{problem}"),
        });
    }

    #[test]
    fn yaml_is_flattened() {
        check(
            "a.yml",
            b"a: {b: [1, 2], m: {}, e: [], n: ~}\nlist: [a, {k: v}, [x], {}]\nbools: {on: on}\n1: x\n? [h, 1.0]\n: g\n'[x.y]': d\ns: !!set {p, q}\nbin: !!binary aGVsbG8=\nf: -.inf\na.e: again",
            expect![[r#"
                document
                  a.b[0] = Integer(1) @1:9
                  a.b[1] = Integer(2) @1:12
                  a.e = Text("again") @11:6
                  a.n = Text("") @1:33
                  list[0] = Text("a") @2:8
                  list[1].k = Text("v") @2:15
                  list[2][0] = Text("x") @2:20
                  bools[true] = Bool(true) @3:13
                  [1] = Text("x") @4:4
                  [[h, 1.0]] = Text("g") @6:3
                  [x.y] = Text("d") @7:10
                  s[0] = Text("p")
                  s[1] = Text("q")
                  bin = Bytes(Bytes(5)) @9:6
                  f = Float(-inf) @10:4
            "#]],
        );
    }

    #[test]
    fn what_is_no_map_is_a_document() {
        check(
            "a.yml",
            b"just text\n---\n[1, a]\n---\n---\n''\n---\n{}",
            expect![[r#"
                document
                  document = Text("just text") @1:1
                document
                  document[0] = Integer(1) @3:2
                  document[1] = Text("a") @3:5
                document
            "#]],
        );
    }

    #[test]
    fn what_lies_in_lfs_is_no_configuration() {
        let pointer = [LARGE_FILE_POINTER, b"oid sha256:4d7a\nsize 12345\n"].concat();
        for path in ["a.yml", "a.properties"] {
            let problem = parse_documents(path, &pointer).unwrap_err();
            assert!(problem.to_string().contains("Git LFS"), "{problem}");
        }
        assert!(parse_documents("a.yml", b"version: https").is_ok());
    }

    #[test]
    fn a_file_holds_so_many_keys_and_no_more() {
        let keys = |count: usize| {
            let lines = (0..count).map(|number| format!("k{number}=\n"));
            parse_documents("a.properties", lines.collect::<String>().as_bytes())
        };
        assert_eq!(keys(KEY_LIMIT).unwrap()[0].len(), KEY_LIMIT);
        let problem = keys(KEY_LIMIT + 1).unwrap_err().to_string();
        assert!(problem.contains("more than 100000 keys"), "{problem}");
    }

    #[test]
    fn nothing_is_no_key() {
        check(
            "a.yml",
            b"a:\n  ~: 1",
            expect!["a.yml:2:3: nothing cannot be a key"],
        );
    }

    #[test]
    fn flattened_keys_are_bounded() {
        let bomb = format!("{}: [{}]", "k".repeat(1000), "1,".repeat(50_000));
        check(
            "a.yml",
            bomb.as_bytes(),
            expect!["a.yml:1:34346: the flattened keys of the file take more than 16777216 bytes"],
        );
        check(
            "a.properties",
            &vec![b'#'; 4 << 20],
            expect!["a.properties: 4194304 bytes are too many for a configuration file"],
        );
        check(
            "a.properties",
            "a=1\n#---\n".repeat(1001).as_bytes(),
            expect!["a.properties: the file holds more than 1000 documents"],
        );
    }

    #[test]
    fn properties_are_read_as_boot_reads_them() {
        check(
            "a.properties",
            b"# comment\n   leading = x\ntab\\tkey=t\ncolon:value\nwhite space\ncont=one,\\\n   two\nesc\\=key=1\n\\#hash=3\nempty=\nlast=\\u00e9 \xe9 \\ud83d\\ude00",
            expect![[r#"
                document
                  leading = Text("x") @2:14
                  tab	key = Text("t") @3:9
                  colon = Text("value") @4:7
                  white = Text("space") @5:7
                  cont = Text("one,two") @6:6
                  esc=key = Text("1") @8:9
                  empty = Text("") @11:0
                  last = Text("é é 😀") @11:6
            "#]],
        );
        check(
            "a.properties",
            b"m[]=x , y\\,z\nn[]=\nr[0]=z\rcr=1\r\ncrlf=2",
            expect![[r#"
                document
                  m[0] = Text("x ") @1:5
                  m[1] = Text("y,z") @1:9
                  n[0] = Text("") @3:0
                  r[0] = Text("z") @3:6
                  cr = Text("1") @4:4
                  crlf = Text("2") @5:6
            "#]],
        );
        check(
            "a.properties",
            b"a=\\u00g0",
            expect![[r#"a.properties:1:3: expected four hex digits after `\u`"#]],
        );
    }

    #[test]
    fn properties_hold_documents() {
        check(
            "a.properties",
            b"k=1\n#---\nz=2\n!---  \ny=3\n#---\n",
            expect![[r#"
                document
                  k = Text("1") @1:3
                document
                  z = Text("2") @3:3
                document
                  y = Text("3") @5:10
            "#]],
        );
        check(
            "a.properties",
            b"k=1\n #---\nz=2\n#c\n#---\ny=3\n#---\n#c\nx=4",
            expect![[r#"
                document
                  k = Text("1") @1:3
                  z = Text("2") @3:3
                  y = Text("3") @6:3
                  x = Text("4") @9:3
            "#]],
        );
        check(
            "a.properties",
            b"k=1\n!c\n#---\nz=2",
            expect![[r#"
            document
              k = Text("1") @1:3
            document
              z = Text("2") @4:3
        "#]],
        );
    }

    #[test]
    fn xml_holds_properties() {
        check(
            "a.xml",
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!DOCTYPE properties SYSTEM \"http://java.sun.com/dtd/properties.dtd\">\n<properties>\n<comment>c</comment>\n<entry key=\"b\">second &lt;&amp;&#233;&gt;<![CDATA[<x>]]></entry><entry key='a'> padded </entry>\n<entry key=\"é\"/></properties>\n".as_bytes(),
            expect![[r#"
                document
                  a = Text(" padded ")
                  b = Text("second <&é><x>")
                  é = Text("")
            "#]],
        );
        for broken in [
            "<properties><entry key='a'>1</entry></properties>",
            "<!DOCTYPE p><properties>\n  <entry key='a'>1</entry>",
            "<!DOCTYPE p><properties><entry>1</entry></properties>",
            "<!DOCTYPE p [<!ENTITY e 'x'>]><properties/>",
            "<!DOCTYPE p><properties/>x",
            "<!DOCTYPE p><p/>",
            "",
        ] {
            assert!(
                parse_documents("a.xml", broken.as_bytes()).is_err(),
                "{broken}"
            );
        }
    }

    #[test]
    fn other_files_hold_no_documents() {
        check(
            "a.json",
            b"{}",
            expect![
                "a.json: the name of a configuration file ends in .yml, .yaml, .properties or .xml"
            ],
        );
    }
}
