# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """Documents options.CONNECTION."""

    DOCUMENTATION = r"""
requirements:
  - Python 3.11 or newer, with the library C(requests), on the host that the task runs on
  - For Jetstream2 also the library C(openstacksdk)
options:
  api_url:
    description:
      - The address of the site, such as C(https://use.jetstream-cloud.org). A page's address of that site does, too.
      - If not set, E(JETSTREAM_API_URL) is used, else the profile's, else C(https://use.jetstream-cloud.org).
    type: str
  username:
    description:
      - The name of the account.
      - If not set, E(JETSTREAM_USERNAME) is used, else the profile's.
    type: str
  password:
    description:
      - The password for the API, which is not the one of the web page.
      - If not set, E(JETSTREAM_PASSWORD) is used, else the profile's, else the one in C(~/.config/jetstream/jkey.csv).
      - A password is only sent for the user and to the server that are named where it was found, if any are.
    type: str
  token:
    description:
      - A token that serves instead of O(username) and O(password) until it expires.
      - If not set, E(JETSTREAM_TOKEN) is used, else the profile's.
      - With both a token and a password in one place, a login follows once the token is refused. With one of them in
        one place and one in another, only the one that comes first counts.
    type: str
  profile:
    description:
      - The name of a table in C(~/.config/jetstream/profiles.toml) with settings of the same names as these options.
      - If not set, E(JETSTREAM_PROFILE) is used, else V(default), if there is such a table.
      - The environment comes before the profile, also if the profile is named by this option.
    type: str
  cloud:
    description:
      - The name of a cloud in C(clouds.yaml), which means Jetstream2. That file, and the variables C(OS_*), are read as
        the OpenStack client reads them; none of the options above is used then.
      - If not set, E(JETSTREAM_CLOUD) is used, else the profile's.
    type: str
  backend:
    description:
      - V(atmosphere) for the first Jetstream and other sites with Atmosphere, V(openstack) for Jetstream2.
      - If not set, E(JETSTREAM_BACKEND) is used, else the profile's. If nothing says it, O(cloud) means V(openstack),
        and so does E(OS_CLOUD) or E(OS_AUTH_URL) where there is no login for Atmosphere; else it is V(atmosphere).
    type: str
    choices:
      - atmosphere
      - openstack
  validate_certs:
    description:
      - Whether to insist on a certificate that can be trusted. Never switch it off where a password is sent.
      - If not set, E(JETSTREAM_VALIDATE_CERTS) is used, else the profile's, else V(true).
    type: bool
  ca_path:
    description:
      - A file (PEM), or a folder made by C(openssl rehash), with the certificate authorities to trust.
      - If not set, E(JETSTREAM_CA_PATH) is used, else the profile's, else what C(requests) trusts, which is
        E(REQUESTS_CA_BUNDLE) or the authorities that come with it.
    type: path
  timeout:
    description:
      - Seconds that one request may take to connect, and then until its whole answer is there. A list of 100 instances
        takes about 10.
      - If not set, E(JETSTREAM_TIMEOUT) is used, else the profile's, else V(60).
    type: float
  retry_timeout:
    description:
      - For how many seconds a request is sent again after it failed for the first time, because the server was busy,
        did not answer in time, or the connection was lost. V(0) for never.
      - If not set, E(JETSTREAM_RETRY_TIMEOUT) is used, else the profile's, else V(60).
    type: float
  concurrency:
    description:
      - How many requests may be under way at the same time, from 1 to 64. Fewer are kinder to a busy server.
      - If not set, E(JETSTREAM_CONCURRENCY) is used, else the profile's, else V(16).
    type: int
  page_size:
    description:
      - How many things one request asks Atmosphere's lists for, from 1 to 1000. Pages are read side by side, so that
        small ones come sooner, and large ones are fewer requests.
      - If not set, E(JETSTREAM_PAGE_SIZE) is used, else the profile's, else V(20).
    type: int
  allow_http:
    description:
      - Whether to talk to O(api_url) in the clear, where it says C(http). To the machine itself that is always allowed.
      - If not set, E(JETSTREAM_ALLOW_HTTP) is used, else the profile's, else V(false).
    type: bool
notes:
  - The token of a login is kept in the user's cache folder, C(~/.cache/jetstream/tokens), readable for that user alone,
    and serves the next tasks and runs until it expires.
  - Environment, profiles and cache are those of the host and the user that the task runs on and as. With C(become),
    that is another user.
"""
