use std::{fs, path::Path};

use serde_yaml::Value;

use crate::support::Ran;

fn template(path: &str) -> (Value, String) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    let text = fs::read_to_string(path).unwrap();
    (serde_yaml::from_str(&text).unwrap(), text)
}

/// Whether what is typed would be understood; what a shell fills in stands for one word.
fn is_understood(line: &str) {
    let (_, typed) = line.split_once("confbus check").unwrap();
    let typed = typed.split(['>', '|', ')', '&']).next().unwrap();
    let words = typed
        .split_whitespace()
        .map(|word| word.trim_matches(['"', '\'']));
    // Lists of a shell hold what stands in other lines.
    let words: Vec<_> = words.filter(|word| !word.contains("[@]")).collect();
    let ran = Ran::confbus(&[&["check"], words.as_slice(), &["--help"]].concat());
    assert_eq!(ran.code, Some(0), "{line}: {}", ran.stderr);
}

#[test]
fn every_command_in_a_template_is_one() {
    for path in ["packaging/check/action.yml", "packaging/check/gitlab.yml"] {
        let (_, text) = template(path);
        let lines = text.lines().map(str::trim);
        let typed: Vec<_> = lines
            .filter(|line| {
                line.contains("confbus check ")
                    && !line.contains("<!--")
                    && !line.starts_with(['#', '-', 'd', 'n'])
            })
            .collect();
        assert!(!typed.is_empty(), "{path}");
        typed.into_iter().for_each(is_understood);
    }
}

#[test]
fn the_action_is_one_and_lets_no_input_become_a_command() {
    let (action, _) = template("packaging/check/action.yml");
    assert_eq!(action["runs"]["using"], "composite");
    for step in action["runs"]["steps"].as_sequence().unwrap() {
        let Some(script) = step["run"].as_str() else {
            continue;
        };
        assert_eq!(step["shell"], "bash");
        assert!(!script.contains("${{"), "{script}");
        let program = std::process::Command::new("bash")
            .args(["-n", "-c", script])
            .status();
        assert!(program.unwrap().success(), "{script}");
    }
    for (name, input) in action["inputs"].as_mapping().unwrap() {
        assert!(input["description"].is_string(), "{name:?}");
    }
}

#[test]
fn the_hook_runs_what_there_is() {
    let (hooks, _) = template(".pre-commit-hooks.yaml");
    let hook = &hooks[0];
    assert_eq!(hook["id"], "confbus-check");
    assert_eq!(hook["pass_filenames"], false);
    let entry = hook["entry"].as_str().unwrap();
    is_understood(&format!("{entry} "));
}

#[test]
fn the_pipeline_leaves_a_report_where_gitlab_looks() {
    let (pipeline, text) = template("packaging/check/gitlab.yml");
    let job = &pipeline["confbus-check"];
    let report = job["artifacts"]["reports"]["codequality"].as_str().unwrap();
    assert!(text.contains(&format!("> {report}")));
}
