#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <string_view>

#include "common/base/error.h"
#include "common/base/log.h"
#include "common/http/negotiate.h"
#include "common/http/server.h"
#include "tests/common/raw_client.h"

using namespace exporter;

namespace {

void must(bool holds) {
  if (!holds) std::abort();
}

/// No password is known, so only the open path may get here.
http::Response answer(const http::Request& request) {
  must(request.path == "/-/healthy" && request.user.empty());
  must(request.method == "GET" || request.method == "HEAD" || request.method == "POST");
  std::string seen = request.header("accept") + request.header("X-Test");
  for (const auto& value : request.query("collect[]")) seen += value;
  http::accepts_encoding(request.header("Accept-Encoding"), "gzip");
  http::Response response;
  for (int piece = 0; piece < 40; ++piece) {
    response.body.add(std::make_shared<const std::string>(5000, 'p'));
  }
  response.body.add(std::make_shared<const std::string>(std::move(seen)));
  return response;
}

std::unique_ptr<http::Server> start() {
  log::configure(log::Level::error, log::Format::logfmt);
  const auto file = std::filesystem::temp_directory_path() /
                    ("request_fuzz." + std::to_string(::getpid()) + ".yml");
  std::ofstream(file) << "basic_auth_users:\n  alice: "
                         "$2y$04$abcdefghijklmnopqrstuujZkTwHUiJ9XdZPwKfcfDo7dMp5DjlTu\n";
  http::ServerOptions options;
  options.listen = {"127.0.0.1:0"};
  options.open_paths = {"/-/healthy"};
  options.web_config_file = file.string();
  auto server = std::make_unique<http::Server>(options, answer);
  std::filesystem::remove(file);
  return server;
}

}  // namespace

/// The first byte determines how the rest is cut into pieces, each of which is sent to a real
/// server.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const auto server = start();
  if (size == 0) return 0;
  const std::size_t piece = data[0] % 8 == 0 ? size : 1 + data[0];
  std::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);
  std::string response;
  try {
    testing::RawClient client(server->port());
    for (; !rest.empty(); rest.remove_prefix(std::min(piece, rest.size()))) {
      client.say(rest.substr(0, piece));
    }
    response = client.half_close().read_to_end();
  } catch (const Error& error) {
    const std::string_view what = error.what();
    const bool cut = what == "send: Broken pipe" || what == "send: Connection reset by peer";
    if (!cut) std::fprintf(stderr, "%s\n", error.what());
    must(cut);
  }
  must(response.empty() || response.starts_with("HTTP/1."));
  return 0;
}
