#include "common/app/health_check.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "common/app/pages.h"
#include "common/app/process.h"
#include "common/base/deadline.h"
#include "common/base/error.h"
#include "common/base/text.h"
#include "common/http/health.h"

namespace exporter {
namespace {

namespace fs = std::filesystem;

constexpr auto kTimeout = std::chrono::seconds(3);

bool is_same_file(const fs::path& one, const fs::path& other) {
  struct stat a {
  }, b{};
  return ::stat(one.c_str(), &a) == 0 && ::stat(other.c_str(), &b) == 0 && a.st_dev == b.st_dev &&
         a.st_ino == b.st_ino;
}

/// Whether a process runs this program and is in this mount namespace.
bool is_twin(const fs::path& process) {
  const auto id = parse_number<pid_t>(process.filename().native());
  return id && *id != ::getpid() && is_same_file(process / "exe", "/proc/self/exe") &&
         is_same_file(process / "ns/mnt", "/proc/self/ns/mnt");
}

std::vector<std::string> arguments_of(const fs::path& process) {
  std::ifstream file(process / "cmdline", std::ios::binary);
  std::vector<std::string> arguments;
  for (std::string argument; std::getline(file, argument, '\0');) arguments.push_back(argument);
  return arguments;
}

/// The command line of the server in this container.
std::optional<Command> running_command(const App& app) {
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator("/proc", ignored)) {
    if (!is_twin(entry.path())) continue;
    const auto arguments = arguments_of(entry.path());
    std::vector<const char*> argv;
    for (const auto& argument : arguments) argv.push_back(argument.c_str());
    int exit_code = 0;
    auto command = parse_command(app, static_cast<int>(argv.size()), argv.data(), exit_code);
    if (command && command->mode == Command::Mode::serve) return command;
  }
  return std::nullopt;
}

}  // namespace

int check_health(const App& app, const Command& command) {
  const auto end = Clock::now() + kTimeout;
  const auto running = command.web_given ? std::nullopt : running_command(app);
  const auto& asked = running ? *running : command;
  if (asked.systemd_socket) {
    throw Error(Reason::config,
                "--health-check: give the address of systemd's sockets with --web.listen-address");
  }
  std::optional<http::WebConfig::Tls> tls;
  if (!asked.web_config_file.empty()) {
    tls = http::WebConfig::load(asked.web_config_file).tls;
  }
  for (const auto& address : asked.listen) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - Clock::now());
    http::ask_health(address, Pages::kHealthy, tls, std::max(left, std::chrono::milliseconds(1)));
  }
  process::print("healthy\n");
  return 0;
}

}  // namespace exporter
