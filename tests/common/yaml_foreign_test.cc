#include <catch2/catch.hpp>

#include "common/config/yaml.h"
#include "tests/support/error_of.h"
#include "tests/support/temporary_directory.h"

using exporter::Reason;
using exporter::Yaml;

namespace {

Yaml load(const std::string& text) {
  const TemporaryDirectory directory;
  return Yaml::load_foreign_file(directory.write("theirs.yml", text));
}

}  // namespace

TEST_CASE("yaml: scalars of another program's file keep its tags", "[yaml]") {
  const auto file = load("a: !env NAME\nb: &b !file 'x y'\nc: *b\nd: 5\ne: !!str 5\n");
  CHECK(file.required("a").tag() == "!env");
  CHECK(file.required("a").string() == "NAME");
  CHECK(file.required("b").tag() == "!file");
  CHECK(file.required("c").tag() == "!file");
  CHECK(file.required("c").string() == "x y");
  CHECK(file.required("d").tag().empty());
  CHECK(file.required("d").integer() == 5);
  CHECK(file.required("e").tag().empty());
  // A value with a tag is not a number, even if its text is.
  CHECK_THROWS(load("a: !env 5").required("a").integer());
  CHECK_THROWS(load("a: !env {b: 1}"));
  CHECK_THROWS(load("a: !env [b]"));
}

TEST_CASE("yaml: of equal keys in another program's file the last one counts", "[yaml]") {
  const auto file = load("a: {b: 1, c: 2, b: 3}\n");
  CHECK(file.required("a").required("b").integer() == 3);
  CHECK(file.required("a").optional("b")->integer() == 3);
  CHECK(file.required("a").required("c").integer() == 2);
}

TEST_CASE("yaml: a file of our own has neither tags nor equal keys", "[yaml]") {
  CHECK(error_of(Reason::config, [] { Yaml::parse("a: !env NAME", "f"); }) ==
        "f:1:4: tags are not supported");
  CHECK(error_of(Reason::config, [] { Yaml::parse("a: 1\na: 2", "f"); }) ==
        "f:2:1: a: duplicate key, first at f:1:1");
}
