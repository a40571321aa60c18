//! The manifests for Kubernetes: what they say the server understands, and they give it no more than it needs.

use std::{collections::BTreeMap, fs, path::Path};

use serde::Deserialize as _;
use serde_yaml::Value;

use crate::support::{ConfigRepo, Request, Running, eventually};

fn folder() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/kubernetes"))
}

/// All objects that are applied, by kind and name.
fn objects() -> BTreeMap<(String, String), Value> {
    let read = |name: &str| fs::read_to_string(folder().join(name)).unwrap();
    let list: Value = serde_yaml::from_str(&read("kustomization.yaml")).unwrap();
    let files = list["resources"].as_sequence().unwrap();
    let texts = files.iter().map(|file| read(file.as_str().unwrap()));
    let mut found = BTreeMap::new();
    for text in texts {
        for document in serde_yaml::Deserializer::from_str(&text) {
            let object = Value::deserialize(document).unwrap();
            let text = |value: &Value| value.as_str().unwrap().to_owned();
            let name = (text(&object["kind"]), text(&object["metadata"]["name"]));
            assert!(
                found.insert(name.clone(), object).is_none(),
                "{name:?} twice"
            );
        }
    }
    found
}

fn object<'o>(objects: &'o BTreeMap<(String, String), Value>, kind: &str, name: &str) -> &'o Value {
    &objects[&(kind.to_owned(), name.to_owned())]
}

#[test]
fn the_settings_of_the_manifests_start_a_server_that_its_probes_find() {
    let objects = objects();
    let set = object(&objects, "StatefulSet", "confbus");
    let container = &set["spec"]["template"]["spec"]["containers"][0];
    let repo = ConfigRepo::from_sample();
    let state = tempfile::tempdir().unwrap();
    let settings = object(&objects, "ConfigMap", "confbus")["data"]["application.yml"]
        .as_str()
        .unwrap()
        .replace(
            "git@github.com:acme/config.git",
            &repo.path().display().to_string(),
        )
        .replace("/run/secrets/confbus", &state.path().display().to_string())
        .replace("/var/lib/confbus", &state.path().display().to_string());
    fs::write(state.path().join("known_hosts"), "").unwrap();
    let file = state.path().join("application.yml");
    fs::write(&file, settings).unwrap();

    let said = container["args"].as_sequence().unwrap();
    let said = said.iter().map(|argument| argument.as_str().unwrap());
    let mut arguments: Vec<_> = said
        .map(|argument| {
            argument.replace("/etc/confbus/application.yml", &file.display().to_string())
        })
        .collect();
    arguments.extend(["--server.port=0", "--management.server.port=0"].map(str::to_owned));
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_confbus"));
    command.args(&arguments);
    for variable in container["env"].as_sequence().unwrap() {
        command.env(
            variable["name"].as_str().unwrap(),
            "only-for-this-test-3f9a1c",
        );
    }
    let server = Running::start(command);
    let management = server.line_with("management");
    let port = management
        .rsplit(':')
        .next()
        .unwrap()
        .trim()
        .parse()
        .unwrap();
    for probe in ["livenessProbe", "readinessProbe"] {
        let path = container[probe]["httpGet"]["path"].as_str().unwrap();
        eventually(path, || {
            let answer = Request::get(path)
                .send(port)
                .map_err(|error| error.to_string())?;
            if answer.status == 200 {
                Ok(())
            } else {
                Err(format!("{answer:?}"))
            }
        });
    }
}

#[test]
fn a_pod_has_a_user_without_rights_and_one_folder_to_write_to() {
    let objects = objects();
    let pod = &object(&objects, "StatefulSet", "confbus")["spec"]["template"]["spec"];
    let container = &pod["containers"][0];
    assert_eq!(pod["automountServiceAccountToken"], false);
    assert_eq!(pod["securityContext"]["runAsNonRoot"], true);
    assert_eq!(pod["securityContext"]["runAsUser"], 65532);
    let rights = &container["securityContext"];
    assert_eq!(rights["readOnlyRootFilesystem"], true);
    assert_eq!(rights["allowPrivilegeEscalation"], false);
    assert_eq!(rights["capabilities"]["drop"][0], "ALL");
    let mounts = container["volumeMounts"].as_sequence().unwrap();
    let written = mounts.iter().filter(|mount| mount["readOnly"] != true);
    let written: Vec<_> = written
        .map(|mount| mount["mountPath"].as_str().unwrap())
        .collect();
    assert_eq!(written, ["/var/lib/confbus", "/tmp"]);
}

#[test]
fn services_and_rules_lead_to_ports_and_pods_that_there_are() {
    let objects = objects();
    let pod = &object(&objects, "StatefulSet", "confbus")["spec"]["template"];
    let labels = &pod["metadata"]["labels"];
    let ports = pod["spec"]["containers"][0]["ports"].as_sequence().unwrap();
    let is_port = |name: &Value| ports.iter().any(|port| port["name"] == *name);
    for ((kind, name), service) in &objects {
        if kind == "Service" {
            assert_eq!(&service["spec"]["selector"], labels, "{name}");
            assert!(
                is_port(&service["spec"]["ports"][0]["targetPort"]),
                "{name}"
            );
        }
    }
    let rule = &object(&objects, "NetworkPolicy", "confbus")["spec"];
    assert_eq!(&rule["podSelector"]["matchLabels"], labels);
    for way in rule["ingress"].as_sequence().unwrap() {
        assert!(is_port(&way["ports"][0]["port"]));
    }
}
