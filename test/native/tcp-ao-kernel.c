/*
 * Stands in front of setsockopt of a process that runs with it preloaded, and answers for TCP-AO what Linux 6.7 does: layouts are
 * those of include/uapi/linux/tcp.h, checks those of net/ipv4/tcp_ao.c. Nothing is signed. Each call becomes a line of
 * the file that TCP_AO_LOG names.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ADD_KEY 38
#define DEL_KEY 39
#define INFO 40
#define MAXKEYLEN 80
#define STATE_ESTABLISHED 1
#define STATE_LISTEN 10

struct ao_add {
	struct sockaddr_storage addr;
	char alg_name[64];
	int ifindex;
	unsigned int set_current : 1, set_rnext : 1, reserved : 30;
	unsigned short reserved2;
	unsigned char prefix, sndid, rcvid, maclen, keyflags, keylen;
	unsigned char key[MAXKEYLEN];
} __attribute__((aligned(8)));

struct ao_del {
	struct sockaddr_storage addr;
	int ifindex;
	unsigned int set_current : 1, set_rnext : 1, del_async : 1, reserved : 29;
	unsigned short reserved2;
	unsigned char prefix, sndid, rcvid, current_key, rnext, keyflags;
} __attribute__((aligned(8)));

struct ao_info {
	unsigned int set_current : 1, set_rnext : 1, ao_required : 1, set_counters : 1, accept_icmps : 1, reserved : 27;
	unsigned short reserved2;
	unsigned char current_key, rnext;
	unsigned long long counters[5];
} __attribute__((aligned(8)));

static void note(const char *text)
{
	const char *name = getenv("TCP_AO_LOG");
	int fd = name ? open(name, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600) : -1;

	if (fd < 0)
		return;
	if (write(fd, text, strlen(text)) < 0)
		abort();
	close(fd);
}

static int refuse(int number)
{
	errno = number;
	return -1;
}

/* Address and prefix as tcp_ao_verify_ipv4 and tcp_ao_verify_ipv6 take them; 0, or an error. */
static int peer(int fd, const struct sockaddr_storage *addr, int prefix, char *text)
{
	int domain = 0;
	socklen_t length = sizeof(domain);
	unsigned char octets[16];
	int size = 4, port;

	if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &length) != 0)
		return errno;
	if (addr->ss_family != domain)
		return EINVAL;
	if (domain == AF_INET) {
		const struct sockaddr_in *in = (const void *)addr;

		memcpy(octets, &in->sin_addr, 4);
		port = in->sin_port;
	} else {
		const struct sockaddr_in6 *in6 = (const void *)addr;

		port = in6->sin6_port;
		size = IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr) ? 4 : 16;
		memcpy(octets, (const char *)&in6->sin6_addr + 16 - size, size);
	}
	if (port != 0)
		return EINVAL;
	if (prefix > 8 * size)
		return EINVAL;
	for (int bit = prefix; bit < 8 * size; bit++)
		if (octets[bit / 8] & (0x80 >> bit % 8))
			return EINVAL; /* bits behind the prefix */
	inet_ntop(size == 4 ? AF_INET : AF_INET6, octets, text, INET6_ADDRSTRLEN);
	return 0;
}

static int state_of(int fd)
{
	struct tcp_info info = { 0 };
	socklen_t length = sizeof(info);

	return getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &length) == 0 ? info.tcpi_state : -1;
}

static const char *word(int state)
{
	return state == STATE_LISTEN ? "listener" : state == STATE_ESTABLISHED ? "established" : "socket";
}

static int add(int fd, const void *value, socklen_t length)
{
	struct ao_add cmd = { 0 };
	char text[INET6_ADDRSTRLEN] = "", hex[2 * MAXKEYLEN + 1] = "", line[1024];
	int state = state_of(fd), error;

	memcpy(&cmd, value, length < sizeof(cmd) ? length : sizeof(cmd));
	if (length < sizeof(cmd) || cmd.keylen > MAXKEYLEN || cmd.reserved || cmd.reserved2)
		return refuse(EINVAL);
	error = peer(fd, &cmd.addr, cmd.prefix, text);
	if (error)
		return refuse(error);
	if (cmd.keyflags || cmd.ifindex)
		return refuse(EINVAL);
	if ((cmd.set_current || cmd.set_rnext) && state == STATE_LISTEN)
		return refuse(EINVAL);
	if (strcmp(cmd.alg_name, "hmac(sha1)") && strcmp(cmd.alg_name, "cmac(aes128)"))
		return refuse(ENOENT);
	for (int i = 0; i < cmd.keylen; i++)
		sprintf(hex + 2 * i, "%02x", cmd.key[i]);
	snprintf(line, sizeof(line),
		 "{\"call\":\"add\",\"fd\":%d,\"on\":\"%s\",\"peer\":\"%s/%d\",\"algorithm\":\"%s\",\"send\":%d,"
		 "\"receive\":%d,\"mac\":%d,\"key\":\"%s\",\"current\":%d,\"rnext\":%d}\n",
		 fd, word(state), text, cmd.prefix, cmd.alg_name, cmd.sndid, cmd.rcvid, cmd.maclen, hex, cmd.set_current,
		 cmd.set_rnext);
	note(line);
	return 0;
}

static int del(int fd, const void *value, socklen_t length)
{
	struct ao_del cmd = { 0 };
	char text[INET6_ADDRSTRLEN] = "", line[512];
	int state = state_of(fd), error;

	if (length < sizeof(cmd))
		return refuse(EINVAL);
	memcpy(&cmd, value, sizeof(cmd));
	if (cmd.reserved || cmd.reserved2 || cmd.keyflags || cmd.ifindex)
		return refuse(EINVAL);
	if (cmd.set_current || cmd.set_rnext ? state == STATE_LISTEN : 0)
		return refuse(EINVAL);
	if (cmd.del_async && state != STATE_LISTEN)
		return refuse(EINVAL);
	error = peer(fd, &cmd.addr, cmd.prefix, text);
	if (error)
		return refuse(error);
	snprintf(line, sizeof(line),
		 "{\"call\":\"delete\",\"fd\":%d,\"on\":\"%s\",\"peer\":\"%s/%d\",\"send\":%d,\"receive\":%d,"
		 "\"async\":%d,\"current\":%d,\"rnext\":%d}\n",
		 fd, word(state), text, cmd.prefix, cmd.sndid, cmd.rcvid, cmd.del_async,
		 cmd.set_current ? cmd.current_key : -1, cmd.set_rnext ? cmd.rnext : -1);
	note(line);
	return 0;
}

static int use(int fd, const void *value, socklen_t length)
{
	struct ao_info cmd = { 0 };
	char line[256];
	int state = state_of(fd);

	if (length < sizeof(cmd))
		return refuse(EINVAL);
	memcpy(&cmd, value, sizeof(cmd));
	if (cmd.reserved || cmd.reserved2 || state == STATE_LISTEN)
		return refuse(EINVAL);
	snprintf(line, sizeof(line),
		 "{\"call\":\"use\",\"fd\":%d,\"on\":\"%s\",\"current\":%d,\"rnext\":%d,\"required\":%d,\"icmps\":%d,\"counters\":%d}\n",
		 fd, word(state), cmd.set_current ? cmd.current_key : -1, cmd.set_rnext ? cmd.rnext : -1,
		 cmd.ao_required, cmd.accept_icmps, cmd.set_counters);
	note(line);
	return 0;
}

int setsockopt(int fd, int level, int option, const void *value, socklen_t length)
{
	static int (*next)(int, int, int, const void *, socklen_t);

	if (level == IPPROTO_TCP && option == ADD_KEY)
		return add(fd, value, length);
	if (level == IPPROTO_TCP && option == DEL_KEY)
		return del(fd, value, length);
	if (level == IPPROTO_TCP && option == INFO)
		return use(fd, value, length);
	if (!next)
		next = (int (*)(int, int, int, const void *, socklen_t))dlsym(RTLD_NEXT, "setsockopt");
	return next(fd, level, option, value, length);
}
