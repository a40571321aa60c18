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
