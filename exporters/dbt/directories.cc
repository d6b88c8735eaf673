#include <fcntl.h>
#include <glob.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <map>

#include "common/base/error.h"
#include "common/base/text.h"
#include "exporters/dbt/command_line.h"
#include "exporters/dbt/dbt_log.h"
#include "exporters/dbt/lister.h"

namespace exporter::dbt {
namespace {

constexpr std::size_t kPiece = 256u << 10;
constexpr std::size_t kMostDirectories = 1000;
constexpr std::size_t kMostEntries = 20'000;

class File {
 public:
  explicit File(const std::string& path) : file_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
    if (file_ < 0) throw io_error(path, errno);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File() { ::close(file_); }

  /// Reads the next bytes; returns 0 at the end.
  std::size_t read(char* buffer, std::size_t size, const std::string& path) const {
    for (;;) {
      const auto got = ::read(file_, buffer, size);
      if (got >= 0) return static_cast<std::size_t>(got);
      if (errno != EINTR) throw io_error(path, errno);
    }
  }

  struct stat status(const std::string& path) const {
    struct stat status {};
    if (::fstat(file_, &status) != 0) throw io_error(path, errno);
    return status;
  }

 private:
  int file_;
};

Time time_of(const timespec& time) {
  return Time(std::chrono::seconds(time.tv_sec)) +
         std::chrono::duration_cast<std::chrono::microseconds>(
             std::chrono::nanoseconds(time.tv_nsec));
}

std::string version_of(const struct stat& file) {
  std::string version;
  for (const auto number :
       {static_cast<std::int64_t>(file.st_dev), static_cast<std::int64_t>(file.st_ino),
        std::int64_t{file.st_size}, std::int64_t{file.st_mtim.tv_sec},
        std::int64_t{file.st_mtim.tv_nsec}}) {
    version += std::to_string(number) + ' ';
  }
  return version;
}

/// Throws if the file changed while it was read, because dbt overwrites its files.
void read_file(const std::string& path, const struct stat& listed,
               const std::function<void(std::string_view)>& sink) {
  const File file(path);
  std::string buffer(kPiece, '\0');
  std::uint64_t left = static_cast<std::uint64_t>(listed.st_size);
  while (const auto size = file.read(buffer.data(), buffer.size(), path)) {
    if (size > left) break;
    left -= size;
    sink(std::string_view(buffer).substr(0, size));
  }
  if (version_of(file.status(path)) != version_of(listed)) {
    throw Error(Reason::io, path + ": changed while it was read");
  }
}

constexpr const char* kLogs[] = {"/../logs/dbt.log", "/dbt.log"};

Logged find_in_logs(const std::string& directory, const std::string& invocation) {
  for (const auto* log : kLogs) {
    auto found = find_in_log(directory + log, invocation);
    if (found.end != End::untold) return found;
  }
  return {};
}

/// Whether a file in the directory was written after that time.
bool has_newer(const std::string& directory, std::filesystem::file_time_type time) {
  namespace fs = std::filesystem;
  std::error_code error;
  std::size_t looked_at = 0;
  for (fs::recursive_directory_iterator at(directory, error), end; at != end && !error;
       at.increment(error)) {
    if (++looked_at > kMostEntries) return false;
    const auto written = at->last_write_time(error);
    if (!error && written > time) return true;
  }
  return false;
}

/// Decides by its log, or else by whether it has compiled or run anything since. One that succeeded
/// left nothing undone.
std::optional<bool> set_to_work(const std::string& directory, const std::string& invocation) {
  const auto logged = find_in_logs(directory, invocation);
  if (logged.end == End::success) return false;
  if (!logged.command.empty()) return runs_nodes(logged.command);
  std::error_code error;
  const auto written = std::filesystem::last_write_time(directory + "/manifest.json", error);
  if (error) return std::nullopt;
  if (has_newer(directory + "/run", written) || has_newer(directory + "/compiled", written))
    return true;
  return std::nullopt;
}

void find_artifacts(const std::string& directory, std::vector<Found>& found) {
  for (const auto kind : kKinds) {
    const auto path = directory + '/' + std::string(to_string(kind)) + ".json";
    struct stat file {};
    if (::stat(path.c_str(), &file) != 0) {
      if (errno == ENOENT || errno == ENOTDIR) continue;
      throw io_error(path, errno);
    }
    if (!S_ISREG(file.st_mode)) throw Error(Reason::io, path + ": not a regular file");
    found.push_back({kind,
                     directory,
                     version_of(file),
                     static_cast<std::uint64_t>(file.st_size),
                     time_of(file.st_mtim),
                     {path, [=](const auto& sink) { read_file(path, file, sink); }},
                     {}});
    if (kind == Kind::manifest) {
      found.back().set_to_work = [directory](const std::string& id) {
        return set_to_work(directory, id);
      };
    } else {
      found.back().logged = [directory](const std::string& id) {
        return find_in_logs(directory, id);
      };
    }
  }
}

/// The last command that ended in each directory's log. A log is read when it has changed.
class LogEnds {
 public:
  std::vector<EndedCommand> operator()(const std::vector<std::string>& directories) {
    std::map<std::string, Log> logs;
    std::vector<EndedCommand> ended;
    for (const auto& directory : directories) {
      for (const auto* name : kLogs) {
        struct stat file {};
        const auto path = directory + name;
        if (::stat(path.c_str(), &file) != 0 || !S_ISREG(file.st_mode)) continue;
        auto& log = logs[path] = std::move(logs_[path]);
        if (const auto version = version_of(file); log.version != version) {
          log = {version, last_ended(path)};
          if (log.ended) log.ended->at = time_of(file.st_mtim);
        }
        if (log.ended) ended.push_back(*log.ended);
      }
    }
    logs_ = std::move(logs);
    return ended;
  }

 private:
  struct Log {
    std::string version;
    std::optional<EndedCommand> ended;
  };
  std::map<std::string, Log> logs_;  // by path
};

/// A placeholder for a directory that cannot be read, while others can.
Found unreadable(const std::string& directory, const Error& error) {
  return {Kind::manifest,
          directory,
          error.what(),
          0,
          {},
          {directory, [error](const auto&) { throw Error(error); }},
          [](const std::string&) { return false; }};
}

/// A pattern without a match is taken for a directory, so that the error says whether it exists and
/// can be read.
std::vector<std::string> expand(const std::string& pattern) {
  glob_t matches{};
  const auto result = ::glob(pattern.c_str(), GLOB_BRACE | GLOB_NOCHECK, nullptr, &matches);
  std::vector<std::string> directories;
  if (result == 0) directories.assign(matches.gl_pathv, matches.gl_pathv + matches.gl_pathc);
  ::globfree(&matches);
  if (result != 0) throw Error(Reason::io, pattern + ": cannot be read");
  if (directories.size() > kMostDirectories) {
    throw Error(Reason::io, pattern + ": more than 1000 directories");
  }
  return directories;
}

/// Nothing if a directory matches the pattern.
std::string why_empty(const std::string& pattern) {
  namespace fs = std::filesystem;
  std::error_code error;
  const auto all = expand(pattern);
  if (std::ranges::any_of(all, [&](const auto& path) { return fs::is_directory(path, error); })) {
    return {};
  }
  if (fs::exists(all.front(), error)) return "not a directory";
  const bool is_glob = pattern.find_first_of("*?[{") != pattern.npos;
  std::string why = is_glob ? "no directory matches" : "the directory does not exist";
  if (fs::path(pattern).is_absolute()) return why;
  return why + "; it is relative to " + fs::current_path(error).string();
}

}  // namespace

Lister directories(const std::string& pattern) {
  return {pattern,
          [pattern](const Deadline&) {
            std::vector<Found> found, closed;
            const auto all = expand(pattern);
            for (const auto& directory : all) {
              try {
                find_artifacts(directory, found);
              } catch (const Error& error) {
                closed.push_back(unreadable(directory, error));
                if (closed.size() == all.size()) throw;
              }
            }
            std::ranges::stable_sort(found, {}, &Found::modified_at);
            found.insert(found.begin(), closed.begin(), closed.end());
            return found;
          },
          [pattern, ends = LogEnds()]() mutable { return ends(expand(pattern)); },
          [pattern] { return why_empty(pattern); }};
}

}  // namespace exporter::dbt
