#include "common/base/secret.h"

#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <cstdlib>
#include <type_traits>

#include "tests/support/error_of.h"
#include "tests/support/temporary_directory.h"

using namespace exporter;

static_assert(!std::is_copy_constructible_v<Secret>);
static_assert(!std::is_convertible_v<Secret, std::string_view>);

namespace {

std::string why(const SecretSource& source) {
  return error_of(Reason::config, [&] { source.load(); });
}

}  // namespace

TEST_CASE("a secret moves and leaves nothing behind") {
  Secret first("hunter2");
  const Secret second(std::move(first));
  CHECK(second.reveal() == "hunter2");
  CHECK(first.reveal().empty());  // NOLINT: the moved-from state is the promise
}

TEST_CASE("a file's secret is read at each load, without mark and line break") {
  const TemporaryDirectory directory;
  const auto path = directory.write("secret", "one\n");
  const auto source = SecretSource::file(path);
  CHECK(source.name() == "file " + path);
  const auto read_again = [&](const std::string& text) {
    directory.write("secret", text);
    return std::string(source.load().reveal());
  };
  CHECK(source.load().reveal() == "one");
  CHECK(read_again("two\r\n") == "two");
  CHECK(read_again("\n\n") == "\n");
  CHECK(read_again("\xEF\xBB\xBFthree\n") == "three");
  CHECK(read_again(" \xEF\xBB\xBF") == " \xEF\xBB\xBF");
  CHECK(read_again(std::string(65'536, 'x')) == std::string(65'536, 'x'));
}

TEST_CASE("a file without a secret is an error that names it") {
  const TemporaryDirectory directory;
  const auto path = (directory.path() / "secret").string();
  const auto source = SecretSource::file(path);
  CHECK(why(source) == "secret file " + path + ": No such file or directory");
  for (const char* text : {"", "\n", "\r\n", "\xEF\xBB\xBF", "\xEF\xBB\xBF\n"}) {
    directory.write("secret", text);
    CHECK(why(source) == "secret file " + path + ": empty");
  }
  directory.write("secret", std::string(65'537, 'x'));
  CHECK(why(source) == "secret file " + path + ": larger than 64 KiB");
  CHECK(why(SecretSource::file(directory.path())) ==
        "secret file " + directory.path().string() + ": not a regular file");
}

TEST_CASE("a pipe is no secret file: to read it could take for ever") {
  const TemporaryDirectory directory;
  const auto path = (directory.path() / "pipe").string();
  REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
  CHECK(why(SecretSource::file(path)) == "secret file " + path + ": not a regular file");
}

TEST_CASE("a variable's secret is read at each load") {
  ::setenv("SECRET_TEST", "value", 1);
  const auto source = SecretSource::env("SECRET_TEST");
  CHECK(source.load().reveal() == "value");
  ::unsetenv("SECRET_TEST");
  CHECK(why(source) == "environment variable SECRET_TEST: not set or empty");
}

TEST_CASE("copies of a source have the same secret") {
  const auto source = SecretSource::literal(Secret("hunter2"));
  const auto copy = source;  // NOLINT(performance-unnecessary-copy-initialization)
  CHECK(copy.load().reveal() == "hunter2");
  CHECK(source.load().reveal() == "hunter2");
  CHECK(copy.name() == "value in the configuration");
}
