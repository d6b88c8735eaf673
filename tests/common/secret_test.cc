#include "common/base/secret.h"

#include <catch2/catch.hpp>
#include <cstdlib>
#include <fstream>
#include <type_traits>

#include "common/base/error.h"

using namespace exporter;

static_assert(!std::is_copy_constructible_v<Secret>);
static_assert(!std::is_convertible_v<Secret, std::string_view>);

namespace {

std::string error_of(const SecretSource& source) {
  try {
    source.load();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

}  // namespace

TEST_CASE("a secret moves and leaves nothing behind") {
  Secret first("hunter2");
  const Secret second(std::move(first));
  CHECK(second.reveal() == "hunter2");
  CHECK(first.reveal().empty());  // NOLINT: the moved-from state is the promise
}

TEST_CASE("a file's secret is read at each load, without its newline") {
  const std::string path = std::string(std::getenv("TMPDIR") ? std::getenv("TMPDIR") : "/tmp") +
                           "/secret_test." + std::to_string(::rand());
  std::ofstream(path) << "one\n";
  const auto source = SecretSource::file(path);
  CHECK(source.load().reveal() == "one");
  std::ofstream(path) << "two\r\n";
  CHECK(source.load().reveal() == "two");
  std::ofstream(path) << "";
  CHECK(error_of(source) == "secret file " + path + ": empty");
  std::remove(path.c_str());
  CHECK(error_of(source) == "secret file " + path + ": No such file or directory");
}

TEST_CASE("a variable's secret is read at each load") {
  ::setenv("SECRET_TEST", "value", 1);
  const auto source = SecretSource::env("SECRET_TEST");
  CHECK(source.load().reveal() == "value");
  ::unsetenv("SECRET_TEST");
  CHECK(error_of(source) == "environment variable SECRET_TEST: not set or empty");
}
