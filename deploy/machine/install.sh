#!/bin/sh
# From a new Ubuntu or Debian to a class site over HTTPS, as /etc/homeroom/machine.env describes it.
# A machine of AWS runs it at its first start (deploy/aws/machine/cloud-init.yaml); it may be run again at any
# time, and changes nothing that is there. The checkout that it stands in is what is installed.
set -eu
source=$(cd "$(dirname "$0")/../.." && pwd)
# shellcheck source=/dev/null
. /etc/homeroom/machine.env
homeroom=/opt/homeroom/current/bin/homeroom
settings=/etc/homeroom/homeroom.env

install_packages() {
    echo "Installing Nginx, certbot and Python …"
    export DEBIAN_FRONTEND=noninteractive
    apt-get -qq -o DPkg::Lock::Timeout=600 update
    apt-get -qq -o DPkg::Lock::Timeout=600 install --yes --no-install-recommends \
        nginx certbot python3-venv curl >/dev/null
}

make_user() {
    getent passwd homeroom >/dev/null ||
        useradd --system --user-group --no-create-home --home-dir /var/lib/homeroom \
            --shell /usr/sbin/nologin homeroom
    install -d -o homeroom -g homeroom -m 0700 /var/lib/homeroom /var/lib/homeroom-backups
    # The data of the machine before this one belongs to the number that the user had there.
    chown -R homeroom:homeroom /var/lib/homeroom /var/lib/homeroom-backups
}

write_settings() {
    file=$settings
    if [ -n "$DATA_DEVICE" ]; then
        # They outlive the machine together with the data, and so does what was changed in them.
        file=/srv/homeroom/homeroom.env
        ln -sfn "$file" "$settings"
    fi
    "$source/deploy/machine/settings.sh" /etc/homeroom/machine.env "$file"
}

install_units() {
    install -m 0644 "$source"/deploy/systemd/homeroom* "$source"/deploy/machine/*.service /etc/systemd/system/
    for unit in nginx certbot; do
        install -D -m 0644 "$source/deploy/machine/$unit.conf" "/etc/systemd/system/$unit.service.d/homeroom.conf"
    done
    if [ -n "$DATA_DEVICE" ]; then
        for unit in homeroom@ homeroom-backup homeroom-drill; do
            install -D -m 0644 "$source/deploy/machine/volume.conf" "/etc/systemd/system/$unit.service.d/volume.conf"
        done
    fi
    install -m 0755 "$source/deploy/machine/homeroom-machine" /usr/local/sbin/homeroom-machine
    install -m 0755 "$source/deploy/machine/homeroom" /usr/local/bin/homeroom
    systemctl daemon-reload
}

install_application() {
    test ! -e /opt/homeroom/upstream.conf || return 0
    echo "Installing Homeroom …"
    # Whoever updates is a release itself; the first one has to be put there by another.
    first=/opt/homeroom/first
    pip="$first/bin/python -m pip install --quiet --disable-pip-version-check --no-deps"
    # By this file the release knows whose packages it can link, and a repetition that they are there.
    if ! cmp --quiet "$source/requirements/run.txt" "$first/packages.lock"; then
        rm -rf "$first"
        python3 -m venv "$first"
        $pip --require-hashes -r "$source/requirements/run.txt"
        sync
        cp "$source/requirements/run.txt" "$first/packages.lock"
    fi
    $pip --no-build-isolation "$source"
    "$first/bin/homeroom" deploy update "$source" --user homeroom --env-file "$settings"
    rm -rf "$first" "$source/build"
}

serve_without_certificate() {
    test ! -e /etc/nginx/sites-enabled/homeroom || return 0
    rm -f /etc/nginx/sites-enabled/default
    $homeroom deploy nginx --domain "$DOMAIN" --http-only >/etc/nginx/sites-available/homeroom
    ln -sfn /etc/nginx/sites-available/homeroom /etc/nginx/sites-enabled/homeroom
    nginx -t -q
    systemctl enable --quiet nginx
    systemctl restart nginx
}

install_packages
test -z "$DATA_DEVICE" || "$source/deploy/machine/mount-volume.sh" "$DATA_DEVICE"
make_user
write_settings
install_units
install_application
serve_without_certificate
# The certificate comes by itself once the name leads here: its service asks again until then.
systemctl enable --quiet homeroom-certificate.service
systemctl start --no-block homeroom-certificate.service
systemctl enable --quiet --now homeroom-backup.timer homeroom-drill.timer
# A first backup and drill now, so that tonight's are not the first to fail.
systemctl start --no-block homeroom-backup.service homeroom-drill.service
echo "Homeroom is installed; \`sudo homeroom-machine status\` tells when https://$DOMAIN answers."
