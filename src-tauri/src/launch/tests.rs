use std::path::Path;

use clap::Parser as _;

use super::Launch;

fn launch(data: &Path) -> Launch {
    Launch::try_parse_from(["conclave".as_ref(), "--data".as_ref(), data.as_os_str()]).unwrap()
}

#[test]
fn each_data_folder_has_an_instance_of_its_own() {
    let home = tempfile::tempdir().unwrap();
    let suffix = |name| {
        launch(&home.path().join(name))
            .data_folder()
            .unwrap()
            .instance_suffix()
    };
    assert_ne!(suffix("alix"), suffix("bo"));
    assert_eq!(
        suffix("alix"),
        suffix("alix/."),
        "one folder, however it is written"
    );
    assert!(
        suffix("alix").starts_with(".d"),
        "a D-Bus name element begins with a letter"
    );
}

#[test]
fn the_data_folder_is_created_and_absolute() {
    let home = tempfile::tempdir().unwrap();
    let folder = launch(&home.path().join("people/alix"))
        .data_folder()
        .unwrap();
    assert!(folder.path().is_absolute() && folder.path().is_dir());
}

#[test]
fn an_unusable_data_folder_is_named_with_a_way_out() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("a file");
    std::fs::write(&file, "").unwrap();
    let error = launch(&file.join("alix"))
        .data_folder()
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("a file/alix") && error.contains("--data DIR"),
        "{error}"
    );
}

#[test]
fn a_link_from_the_desktop_is_accepted() {
    let launch = Launch::try_parse_from(["conclave", "conclave://group/1"]).unwrap();
    assert_eq!(launch.link.as_deref(), Some("conclave://group/1"));
}
