// The chat's server:
//
//   chat_server ENDPOINT...
//
// serves every endpoint over gRPC and seqpacket until it gets SIGINT or SIGTERM. However many members there are, no
// thread waits for one.

#include "udsrpc/server.h"

#include <signal.h>

#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "chat.udsrpc.pb.h"
#include "room.h"
#include "udsrpc/when.h"

// README: server
class ChatServer final : public chat::ChatService {
 public:
  // Ends every member's call.
  void Close() { room_.Close(); }

 private:
  using Stream = udsrpc::AsyncServerReaderWriter<chat::Event, chat::Line>;

  // Ends when the client half-closes, cancels or is gone, and when the room is closed.
  udsrpc::Task<absl::Status> JoinAsync(udsrpc::ServerContext& /*context*/, Stream stream) override {
    const std::optional<chat::Line> first = co_await stream.Read();
    if (!first || first->name().empty()) co_return absl::InvalidArgumentError("the first line has no name in it");
    const absl::StatusOr<std::unique_ptr<Room::Member>> member = room_.Join(first->name());
    if (!member.ok()) co_return member.status();

    std::vector<udsrpc::Task<absl::Status>> both;
    both.push_back(Listen(stream, **member));
    both.push_back(Deliver(stream, **member));
    udsrpc::Finished<absl::Status> ended = co_await udsrpc::WhenAny(std::move(both));
    co_return std::move(ended.value);
  }

  static udsrpc::Task<absl::Status> Listen(Stream stream, Room::Member& member) {
    while (std::optional<chat::Line> line = co_await stream.Read()) member.Say(std::move(*line->mutable_text()));
    co_return absl::OkStatus();
  }

  static udsrpc::Task<absl::Status> Deliver(Stream stream, Room::Member& member) {
    while (const std::optional<Room::Events::Mail> mail = co_await member.events().Next()) {
      if (mail->missed > 0) {
        chat::Event event;
        event.set_kind(chat::Event::MISSED);
        event.set_missed(mail->missed);
        co_await stream.Write(event);
      }
      co_await stream.Write(*mail->value);
    }
    co_return absl::UnavailableError("the room is closed");
  }

  Room room_;
};
// README: end

int main(int argc, char** argv) {
  // Blocked before any thread starts, so that sigwait below is the only one to take them.
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);

  ChatServer chat;
  udsrpc::ServerBuilder builder({.max_handler_threads = 2});
  for (int i = 1; i < argc; ++i) builder.AddEndpoint(argv[i]);
  absl::StatusOr<std::unique_ptr<udsrpc::Server>> server = builder.RegisterService(&chat).Start();
  if (!server.ok()) {
    std::cerr << "chat_server: " << server.status().message() << "\n";
    return 1;
  }
  for (const std::string& endpoint : (*server)->endpoints()) std::cout << "serving " << endpoint << std::endl;

  int signal;
  sigwait(&signals, &signal);
  // Calls that last as long as their clients like have to be told; Shutdown alone would wait for its deadline, and
  // cancel them.
  chat.Close();
  (*server)->Shutdown(absl::Now() + absl::Seconds(2));
  return 0;
}
