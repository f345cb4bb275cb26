// The chat's client:
//
//   chat_client [--transport=grpc|seqpacket|auto] ENDPOINT NAME
//
// says each line of its standard input, and prints what happens in the room. Ends at the end of its input, or with the
// call. One thread does all: two coroutines take turns on it.

#include <unistd.h>

#include <iostream>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "absl/strings/str_cat.h"
#include "chat.udsrpc.pb.h"
#include "event_loop.h"
#include "udsrpc/async_client.h"
#include "udsrpc/channel.h"
#include "udsrpc/spawn.h"
#include "udsrpc/when.h"

ABSL_FLAG(udsrpc::Transport, transport, udsrpc::Transport::kGrpc, "grpc, seqpacket or auto");

namespace {

using Stream = udsrpc::AsyncClientReaderWriter<chat::Line, chat::Event>;

std::string Describe(const chat::Event& event) {
  switch (event.kind()) {
    case chat::Event::SAID:
      return absl::StrCat(event.name(), ": ", event.text());
    case chat::Event::JOINED:
      return absl::StrCat("* ", event.name(), " has joined");
    case chat::Event::LEFT:
      return absl::StrCat("* ", event.name(), " has left");
    case chat::Event::MISSED:
      return absl::StrCat("* ", event.missed(), " missed: this client was too slow");
    default:
      return "* something that this client is too old to know";
  }
}

// The lines of standard input, for a coroutine.
class Input {
 public:
  explicit Input(EventLoop& loop) : loop_(loop) {}

  // Without the newline. Nothing: there are no more, or it was closed.
  udsrpc::Task<std::optional<std::string>> ReadLine() {
    size_t end;
    while ((end = buffer_.find('\n')) == std::string::npos) {
      if (!closed_) co_await loop_.Readable(STDIN_FILENO);
      if (closed_) co_return std::nullopt;
      char bytes[4096];
      const ssize_t count = read(STDIN_FILENO, bytes, sizeof(bytes));
      if (count <= 0) co_return std::nullopt;
      buffer_.append(bytes, static_cast<size_t>(count));
    }
    std::string line = buffer_.substr(0, end);
    buffer_.erase(0, end + 1);
    co_return line;
  }

  // Nobody wants more lines. Wakes the coroutine that waits for one.
  void Close() {
    closed_ = true;
    loop_.WakeReader();
  }

 private:
  EventLoop& loop_;
  bool closed_ = false;
  std::string buffer_;
};

// README: client
udsrpc::Task<> Hear(Stream& stream, Input& input) {
  while (const std::optional<chat::Event> event = co_await stream.Read()) std::cout << Describe(*event) << std::endl;
  input.Close();  // the call has ended
}

udsrpc::Task<> Say(Stream& stream, Input& input, std::string name) {
  chat::Line line;
  line.set_name(std::move(name));
  bool open = co_await stream.Write(line);
  while (open) {
    std::optional<std::string> text = co_await input.ReadLine();
    if (!text) break;
    line.set_text(*std::move(text));
    open = co_await stream.Write(line);
  }
  co_await stream.WritesDone();
}

// WhenAll, not WhenAny: that would cancel the other one, and a stream's operation that is cancelled cancels its call.
udsrpc::Task<absl::Status> Chat(chat::ChatStub stub, EventLoop& loop, std::string name) {
  udsrpc::ClientContext context;
  Stream stream = stub.Async().Join(context);
  Input input(loop);
  co_await udsrpc::WhenAll(Hear(stream, input), Say(stream, input, std::move(name)));
  co_return co_await stream.Finish();
}

absl::Status ChatAt(const char* endpoint, udsrpc::Transport transport, const char* name) {
  EventLoop loop;
  auto channel = udsrpc::CreateChannel(endpoint, {.transport = transport, .executor = loop.executor()});
  if (!channel.ok()) return channel.status();
  absl::Status status;
  udsrpc::Spawn(Chat(chat::ChatStub(*channel), loop, name), [&](absl::Status ended) {
    status = std::move(ended);
    loop.Stop();
  });
  loop.Run();
  return status;
}
// README: end

}  // namespace

int main(int argc, char** argv) {
  absl::SetProgramUsageMessage("chats over udsrpc: chat_client [flags] ENDPOINT NAME");
  const std::vector<char*> arguments = absl::ParseCommandLine(argc, argv);
  if (arguments.size() != 3) {
    std::cerr << "chat_client: give an endpoint, such as unix:/run/chat.sock, and your name\n";
    return 1;
  }
  const absl::Status status = ChatAt(arguments[1], absl::GetFlag(FLAGS_transport), arguments[2]);
  if (status.ok()) return 0;
  std::cerr << "chat_client: " << status.message() << "\n";
  return 1;
}
