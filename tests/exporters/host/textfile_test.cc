#include <fcntl.h>
#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <map>

#include "common/base/log.h"
#include "exporters/host/collectors.h"
#include "exporters/host/text_files.h"
#include "tests/exporters/host/collect_of.h"
#include "tests/support/caught_log.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/upstreams.h"

using namespace exporter;
using namespace exporter::host;
namespace fs = std::filesystem;

namespace {

/// A temporary directory of text files.
class Directory {
 public:
  std::string path() const { return directory_.path(); }
  /// Writes a file with the modification time `changed`, in seconds since 1970.
  void write(const std::string& name, const std::string& text, std::time_t changed = 1700000003) {
    const auto path = directory_.path() / name;
    fs::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << text;
    const timespec times[] = {{changed, 0}, {changed, 999999999}};
    REQUIRE(::utimensat(AT_FDCWD, path.c_str(), times, 0) == 0);
  }

 private:
  TemporaryDirectory directory_;
};

/// A collector of these directories.
class Textfiles {
 public:
  explicit Textfiles(const std::vector<std::string>& directories)
      : settings_(kTextfile.flags, {{"collector.textfile.directory", directories}}, nullptr),
        collect_(collect_of(kTextfile,
                            {settings_, "/proc", "/sys", "/", "/run/udev/data", upstreams()})) {}
  explicit Textfiles(const Directory& directory) : Textfiles(std::vector{directory.path()}) {}

  /// The page without `prefix`. Checks the number of duplicate series that were left out.
  std::string page(const std::string& prefix = {}, std::size_t duplicates = 0) const {
    Samples samples;
    collect_(samples, Deadline::in(std::chrono::seconds(60)));
    CHECK(samples.duplicates() == duplicates);
    std::string text;
    samples.render(Format::text, text);
    for (auto at = text.find(prefix); !prefix.empty() && at != text.npos; at = text.find(prefix)) {
      text.erase(at, prefix.size());
    }
    return text;
  }

 private:
  Settings settings_;
  CollectFunction collect_;
};

/// The collector's metrics about the files themselves.
std::string status(const std::vector<std::pair<std::string, int>>& files, int scrape_error = 1) {
  std::string changed, errors;
  for (const auto& [file, state] : files) {
    const bool read = state != 2;
    if (read) changed += "node_textfile_mtime_seconds{file=\"/" + file + "\"} 1700000003\n";
    errors += "node_textfile_file_error{file=\"/" + file + "\"} " + (state == 0 ? "0\n" : "1\n");
  }
  if (!changed.empty()) {
    changed =
        "# HELP node_textfile_mtime_seconds Unixtime mtime of textfiles successfully read.\n"
        "# TYPE node_textfile_mtime_seconds gauge\n" +
        changed;
  }
  if (!errors.empty()) {
    errors =
        "# HELP node_textfile_file_error 1 if the file was rejected or some of its samples were "
        "left out, 0 otherwise.\n"
        "# TYPE node_textfile_file_error gauge\n" +
        errors;
  }
  return changed + errors +
         "# HELP node_textfile_scrape_error 1 if there was an error opening or reading a file, 0 "
         "otherwise\n"
         "# TYPE node_textfile_scrape_error gauge\n"
         "node_textfile_scrape_error " +
         std::to_string(scrape_error) + '\n';
}

constexpr int kGood = 0, kPartly = 1, kRefused = 2;

}  // namespace

TEST_CASE("without a directory there is no text file error") {
  CHECK(Textfiles(std::vector<std::string>{}).page() == status({}, 0));
}

TEST_CASE("all families of all text files are on the page, with the files' times") {
  Directory directory;
  directory.write("b.prom", "plain{z=\"1\",a=\"2\"} 3\n");
  directory.write("a.prom",
                  "# HELP jobs_total Jobs.\n# TYPE jobs_total counter\n"
                  "jobs_total 5\n"
                  "# TYPE took_seconds summary\ntook_seconds_count 2\n");
  directory.write("c.txt", "not 1 a text file\n");
  CHECK(Textfiles(directory).page(directory.path()) == R"(# HELP jobs_total Jobs.
# TYPE jobs_total counter
jobs_total 5
# HELP took_seconds Metric read from /a.prom
# TYPE took_seconds summary
took_seconds_count 2
# HELP plain Metric read from /b.prom
# TYPE plain untyped
plain{a="2",z="1"} 3
)" + status({{"a.prom", kGood}, {"b.prom", kGood}}, 0));
}

TEST_CASE("a bad text file is named and does not hurt the others") {
  Directory directory;
  directory.write("good.prom", "good 1\n");
  const auto [name, text] = GENERATE(table<std::string, std::string>({
      {"syntax.prom", "bad one\n"},
      {"cut.prom", "bad 1\nbad{x=\"1"},
      {"timestamps.prom", "bad 1 1700000000000\n"},
      {"encoding.prom", "bad{x=\"\xff\"} 1\n"},
      {"own.prom", "bad 1\nnode_load1 99\n"},
      {"own_error.prom", "node_textfile_scrape_error 0\n"},
      {"own_app.prom", "exporter_collector_success{collector=\"cpu\"} 1\n"},
      {"own_process.prom", "process_cpu_seconds_total 1\n"},
  }));
  directory.write(name, text);
  CHECK(Textfiles(directory).page(directory.path()) ==
        "# HELP good Metric read from /good.prom\n# TYPE good untyped\ngood 1\n" +
            (name < "good.prom" ? status({{name, kRefused}, {"good.prom", kGood}})
                                : status({{"good.prom", kGood}, {name, kRefused}})));
}

TEST_CASE("a text file that is mended is read again") {
  Directory directory;
  directory.write("a.prom", "a\n");
  const Textfiles collector(directory);
  CHECK(collector.page(directory.path()) == status({{"a.prom", kRefused}}));
  directory.write("a.prom", "a 1\n");
  CHECK(collector.page(directory.path()) ==
        "# HELP a Metric read from /a.prom\n# TYPE a untyped\na 1\n" +
            status({{"a.prom", kGood}}, 0));
  fs::remove(directory.path() + "/a.prom");
  CHECK(collector.page(directory.path()) == status({}, 0));
}

TEST_CASE("what is no regular file, or too large, is refused at once") {
  Directory directory;
  fs::create_directory(directory.path() + "/directory.prom");
  REQUIRE(::mkfifo((directory.path() + "/pipe.prom").c_str(), 0600) == 0);
  fs::create_symlink("/dev/zero", directory.path() + "/device.prom");
  fs::create_symlink("nowhere", directory.path() + "/dangling.prom");
  directory.write("large.prom", "");
  fs::resize_file(directory.path() + "/large.prom", (16u << 20) + 1);
  CHECK(Textfiles(directory).page(directory.path()) == status({{"dangling.prom", kRefused},
                                                               {"device.prom", kRefused},
                                                               {"directory.prom", kRefused},
                                                               {"large.prom", kRefused},
                                                               {"pipe.prom", kRefused}}));
}

TEST_CASE("of text files that contradict each other the first wins, and the other is named") {
  Directory directory;
  directory.write("a.prom",
                  "# HELP help First.\nhelp{x=\"1\"} 1\n"
                  "# TYPE type gauge\ntype{x=\"1\"} 1\n"
                  "later{x=\"1\"} 1\n"
                  "none{x=\"1\"} 1\n"
                  "series{x=\"1\",y=\"2\"} 1\n");
  directory.write("b.prom", "# HELP help Second.\nhelp{x=\"2\"} 2\n");
  directory.write("c.prom", "# TYPE type counter\ntype{x=\"2\"} 2\n");
  directory.write("d.prom", "# HELP later Later.\nlater{x=\"2\"} 2\nnone{x=\"2\"} 2\n");
  directory.write("e.prom", "series{y=\"2\",x=\"1\"} 2\nseries{x=\"3\"} 3\n");
  CHECK(Textfiles(directory).page(directory.path()) == R"(# HELP help First.
# TYPE help untyped
help{x="1"} 1
help{x="2"} 2
# HELP type Metric read from /a.prom, /c.prom
# TYPE type gauge
type{x="1"} 1
# HELP later Later.
# TYPE later untyped
later{x="1"} 1
later{x="2"} 2
# HELP none Metric read from /a.prom, /d.prom
# TYPE none untyped
none{x="1"} 1
none{x="2"} 2
# HELP series Metric read from /a.prom, /e.prom
# TYPE series untyped
series{x="1",y="2"} 1
series{x="3"} 3
)" + status({{"a.prom", kGood},
             {"b.prom", kPartly},
             {"c.prom", kPartly},
             {"d.prom", kGood},
             {"e.prom", kPartly}}));
}

TEST_CASE("a sample of a text file that a strict reader refuses is left out, and the file named") {
  Directory directory;
  directory.write("a.prom",
                  "# TYPE bad_total counter\nbad_total -1\nbad_total{x=\"2\"} 2\n"
                  "# TYPE size histogram\nsize_bucket{le=\"+Inf\"} 1\nsize_sum -3\nsize_count 1\n");
  CHECK(Textfiles(directory).page(directory.path()) == R"(# HELP bad_total Metric read from /a.prom
# TYPE bad_total counter
bad_total{x="2"} 2
# HELP size Metric read from /a.prom
# TYPE size histogram
size_bucket{le="+Inf"} 1
size_count 1
)" + status({{"a.prom", kPartly}}));
}

TEST_CASE("a histogram in two text files is that of the first, with all its buckets") {
  Directory directory;
  directory.write("a.prom", "# TYPE h histogram\nh_bucket{le=\"1\"} 1\nh_count 1\nh_sum 1\n");
  directory.write("b.prom", "# TYPE h histogram\nh_bucket{le=\"2\"} 9\nh_count 9\nh_sum 9\n");
  CHECK(Textfiles(directory).page(directory.path()) ==
        "# HELP h Metric read from /a.prom, /b.prom\n"
        "# TYPE h histogram\n"
        "h_bucket{le=\"1.0\"} 1\nh_bucket{le=\"+Inf\"} 1\nh_sum 1\nh_count 1\n" +
            status({{"a.prom", kGood}, {"b.prom", kPartly}}));
}

TEST_CASE("a series with the name of another metric's line is left out, and the file named") {
  Directory directory;
  directory.write("b.prom", "# TYPE b summary\nb_sum 3\nb_count 2\n");
  directory.write("c.prom", "# TYPE b_count gauge\nb_count 7\nb_count{x=\"1\"} 8\n");
  CHECK(Textfiles(directory).page(directory.path(), 1) ==
        "# HELP b Metric read from /b.prom\n# TYPE b summary\nb_sum 3\nb_count 2\n"
        "# HELP b_count Metric read from /c.prom\n# TYPE b_count gauge\nb_count{x=\"1\"} 8\n" +
            status({{"b.prom", kGood}, {"c.prom", kPartly}}));
}

TEST_CASE("directories of text files are found by patterns, each file once") {
  Directory root;
  for (const std::string name : {"one", "two"}) root.write(name + "/x.prom", name + " 1\n");
  CHECK(Textfiles({root.path() + "/*", root.path() + "/two/"}).page(root.path()) ==
        "# HELP one Metric read from /one/x.prom\n# TYPE one untyped\none 1\n"
        "# HELP two Metric read from /two/x.prom\n# TYPE two untyped\ntwo 1\n" +
            status({{"one/x.prom", kGood}, {"two/x.prom", kGood}}, 0));
}

TEST_CASE("the log says once that a directory of text files does not exist") {
  const Directory directory;
  const auto gone = directory.path() + "/gone";
  const Textfiles collector({gone});
  const exporter::testing::CaughtLog log(directory.path() + "/log");
  collector.page();
  collector.page();
  log::flush(std::chrono::seconds(10));
  CHECK(log.lines("msg=") == std::vector<std::string>{"msg=\"text files not read\" error=\"" +
                                                      gone + ": the directory does not exist\""});
}

TEST_CASE("a directory of text files that cannot be read is an error beside the others") {
  Directory directory;
  directory.write("a.prom", "a 1\n");
  CHECK(Textfiles({directory.path() + "/gone", directory.path()}).page(directory.path()) ==
        "# HELP a Metric read from /a.prom\n# TYPE a untyped\na 1\n" + status({{"a.prom", kGood}}));
}

TEST_CASE("a text file is read to its end") {
  Directory directory;
  const std::string text(300'000, 'x');
  directory.write("a.prom", text);
  const auto file = read_text_file(directory.path() + "/a.prom", 1u << 20);
  CHECK(file.text == text);
  CHECK(file.changed == 1700000003);
}
