#include "tools/recording.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "google/protobuf/util/delimited_message_util.h"
#include "recording.pb.h"

namespace udsrpc::tools {
namespace {

constexpr char kRecordingFormat[] = "udsrpc recording";
constexpr uint32_t kRecordingVersion = 1;

std::string FileErrorText(int error) { return std::generic_category().message(error); }

}  // namespace

RecordingWriter::RecordingWriter(std::string path, std::string written, UniqueFd fd)
    : path_(std::move(path)), written_(std::move(written)), fd_(std::move(fd)), stream_(fd_.get()) {}

RecordingWriter::~RecordingWriter() {
  if (!written_.empty()) unlink(written_.c_str());
}

absl::StatusOr<std::unique_ptr<RecordingWriter>> RecordingWriter::Create(const std::string& path) {
  struct stat there;
  const bool is_there = stat(path.c_str(), &there) == 0;
  // Where it is a link, that stays one.
  std::error_code none;
  const std::string place = is_there ? std::filesystem::canonical(path, none).string() : path;
  std::string written;
  UniqueFd fd;
  if (is_there && !S_ISREG(there.st_mode)) {
    fd.reset(open(path.c_str(), O_WRONLY | O_CLOEXEC));
  } else {
    written = absl::StrCat(none ? path : place, ".XXXXXX");
    fd.reset(mkostemp(written.data(), O_CLOEXEC));  // of mode 0600
  }
  if (!fd.valid()) return absl::InvalidArgumentError(absl::StrCat(path, ": cannot write it: ", FileErrorText(errno)));
  return std::unique_ptr<RecordingWriter>(new RecordingWriter(none ? path : place, std::move(written), std::move(fd)));
}

absl::Status RecordingWriter::Begin(const std::string& target) {
  RecordingEntry entry;
  RecordingHeader& header = *entry.mutable_header();
  header.set_format(kRecordingFormat);
  header.set_version(kRecordingVersion);
  header.set_target(target);
  header.mutable_start_time()->set_seconds(absl::ToUnixSeconds(absl::Now()));
  google::protobuf::util::SerializeDelimitedToZeroCopyStream(entry, &stream_);
  return Flush();
}

absl::Status RecordingWriter::Write(const v1::WatchCallsResponse& calls) {
  for (const v1::CallEvent& call : calls.calls()) {
    RecordingEntry entry;
    *entry.mutable_call() = call;
    google::protobuf::util::SerializeDelimitedToZeroCopyStream(entry, &stream_);
  }
  if (calls.dropped() != dropped_) {
    RecordingEntry entry;
    entry.set_dropped(dropped_ = calls.dropped());
    google::protobuf::util::SerializeDelimitedToZeroCopyStream(entry, &stream_);
  }
  const absl::Status status = Flush();
  return status.ok() ? Keep() : status;
}

absl::Status RecordingWriter::Keep() {
  if (written_.empty()) return absl::OkStatus();
  if (rename(written_.c_str(), path_.c_str()) != 0) {
    return absl::ResourceExhaustedError(absl::StrCat(path_, ": cannot write it: ", FileErrorText(errno)));
  }
  written_.clear();
  return absl::OkStatus();
}

absl::Status RecordingWriter::Flush() {
  if (stream_.Flush()) return absl::OkStatus();
  return absl::ResourceExhaustedError(absl::StrCat(path_, ": cannot write it: ", FileErrorText(stream_.GetErrno())));
}

absl::StatusOr<Recording> ReadRecording(const std::string& path) {
  const UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) return absl::InvalidArgumentError(absl::StrCat(path, ": cannot read it: ", FileErrorText(errno)));
  google::protobuf::io::FileInputStream stream(fd.get());
  RecordingEntry entry;
  bool at_end = false;
  if (!google::protobuf::util::ParseDelimitedFromZeroCopyStream(&entry, &stream, &at_end) ||
      entry.header().format() != kRecordingFormat) {
    return absl::InvalidArgumentError(absl::StrCat(path, ": it is no file of \"udsrpc record\""));
  }
  if (entry.header().version() != kRecordingVersion) {
    return absl::InvalidArgumentError(absl::StrCat(path, ": it is of version ", entry.header().version(),
                                                   ", and this program reads version ", kRecordingVersion));
  }
  Recording recording;
  while (entry.Clear(), google::protobuf::util::ParseDelimitedFromZeroCopyStream(&entry, &stream, &at_end)) {
    if (entry.has_call()) recording.calls.push_back(std::move(*entry.mutable_call()));
    if (entry.has_dropped()) recording.dropped = entry.dropped();
  }
  recording.cut = !at_end;
  return recording;
}

}  // namespace udsrpc::tools
