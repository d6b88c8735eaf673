#include <fcntl.h>
#include <glob.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "common/base/error.h"
#include "exporters/dbt/source.h"

namespace exporter::dbt {
namespace {

constexpr std::size_t kPiece = 256u << 10;
constexpr std::size_t kMostFolders = 1000;

class File {
 public:
  explicit File(const std::string& path) : file_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
    if (file_ < 0) throw io_error(path, errno);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File() { ::close(file_); }

  /// The next bytes; 0 at the end.
  std::size_t read(char* buffer, std::size_t size, const std::string& path) const {
    for (;;) {
      const auto got = ::read(file_, buffer, size);
      if (got >= 0) return static_cast<std::size_t>(got);
      if (errno != EINTR) throw io_error(path, errno);
    }
  }

 private:
  int file_;
};

void read_file(const std::string& path, const std::function<void(std::string_view)>& sink) {
  const File file(path);
  std::string buffer(kPiece, '\0');
  while (const auto size = file.read(buffer.data(), buffer.size(), path)) {
    sink(std::string_view(buffer).substr(0, size));
  }
}

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

void find_artifacts(const std::string& folder, std::vector<Found>& found) {
  for (const auto kind : kKinds) {
    const auto path = folder + '/' + std::string(to_string(kind)) + ".json";
    struct stat file {};
    if (::stat(path.c_str(), &file) != 0) {
      if (errno == ENOENT || errno == ENOTDIR) continue;
      throw io_error(path, errno);
    }
    if (!S_ISREG(file.st_mode)) throw Error(Reason::io, path + ": not a regular file");
    found.push_back({kind,
                     folder,
                     version_of(file),
                     static_cast<std::uint64_t>(file.st_size),
                     time_of(file.st_mtim),
                     {path, [path](const auto& sink) { read_file(path, sink); }}});
  }
}

std::vector<std::string> expand(const std::string& pattern) {
  glob_t matches{};
  const auto result = ::glob(pattern.c_str(), GLOB_BRACE, nullptr, &matches);
  std::vector<std::string> folders;
  if (result == 0) folders.assign(matches.gl_pathv, matches.gl_pathv + matches.gl_pathc);
  ::globfree(&matches);
  if (result != 0 && result != GLOB_NOMATCH) throw Error(Reason::io, pattern + ": cannot be read");
  if (folders.size() > kMostFolders) throw Error(Reason::io, pattern + ": more than 1000 folders");
  return folders;
}

}  // namespace

Source folders(std::string pattern) {
  return [pattern = std::move(pattern)](const Deadline&) {
    std::vector<Found> found;
    for (const auto& folder : expand(pattern)) find_artifacts(folder, found);
    std::ranges::stable_sort(found, {}, &Found::modified_at);
    return found;
  };
}

}  // namespace exporter::dbt
